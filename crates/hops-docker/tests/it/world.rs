//! A machine with Docker, HOPS and its proxy, as a world of scenes.

use std::{
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use hops_docker::{Redirect, Settings};
use hops_engine::{Engine, Scheme};
use hops_model::ImageRef;
use hops_testkit::{DockerEngine, World, testapp};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::hops::Hops;

/// Held by whoever uses the engines; a test that restarts one has them to itself. Fair, unlike the lock of files.
static IN_USE: RwLock<()> = RwLock::const_new(());

pub(crate) struct Machine {
    hops: Hops,
    /// Docker itself, to be meddled with.
    pub(crate) engine: DockerEngine,
    directory: TempDir,
    entrance: SocketAddr,
    _in_use: InUse,
}

/// What is held ends with the machine.
struct InUse {
    _here: Here,
    /// The same among processes: somebody else's tests may run on the same engines.
    _elsewhere: File,
}

#[expect(dead_code, reason = "what counts is that it is held")]
enum Here {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl InUse {
    async fn shared(engine: &DockerEngine) -> Result<Self> {
        let here = Here::Shared(IN_USE.read().await);
        Ok(Self { _here: here, _elsewhere: lock(engine, File::lock_shared).await? })
    }

    async fn alone(engine: &DockerEngine) -> Result<Self> {
        let here = Here::Alone(IN_USE.write().await);
        Ok(Self { _here: here, _elsewhere: lock(engine, File::lock).await? })
    }
}

async fn lock(engine: &DockerEngine, lock: fn(&File) -> io::Result<()>) -> Result<File> {
    let socket = engine.socket.strip_prefix("unix://").context("the engine's socket is no file")?;
    let path = format!("{socket}.tests");
    let locking = tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        lock(&file)?;
        anyhow::Ok(file)
    });
    locking.await?.context("cannot lock the engine")
}

impl Machine {
    /// A new platform on an engine, with a deadline that tests can wait for.
    pub(crate) async fn on(engine: DockerEngine) -> Result<Self> {
        Self::with(engine, |_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn with(engine: DockerEngine, change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let in_use = InUse::shared(&engine).await?;
        Self::begin(engine, change, in_use).await
    }

    /// The same on an engine that no other test uses meanwhile, so that it can be restarted.
    pub(crate) async fn alone_on(engine: DockerEngine) -> Result<Self> {
        let in_use = InUse::alone(&engine).await?;
        Self::begin(engine, |_| {}, in_use).await
    }

    async fn begin(engine: DockerEngine, change: impl FnOnce(&mut Settings), in_use: InUse) -> Result<Self> {
        // Free at this moment; HOPS takes it in the next one, and again whenever it is started again.
        let entrance = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let mut settings = Settings {
            socket: engine.socket.clone(),
            platform: format!("t{}", &unique[..8]),
            subnets: vec![engine.pool.parse().context("the engine's pool is no network")?],
            public_scheme: Some(Scheme::Http),
            public_port: Some(entrance.port()),
            redirect: Redirect::Never,
            progress_deadline: Duration::from_secs(12),
            ..Settings::default()
        };
        change(&mut settings);
        let machine = Self {
            hops: Hops::new(settings),
            engine,
            directory: tempfile::tempdir()?,
            entrance,
            _in_use: in_use,
        };
        machine.start_hops().await?;
        Ok(machine)
    }

    /// Starts HOPS, after it was killed, on what it left.
    pub(crate) async fn start_hops(&self) -> Result<()> {
        self.hops.start(self.directory.path(), self.entrance).await
    }

    /// Ends HOPS in the middle of whatever it is doing, and its proxy with it.
    pub(crate) async fn kill_hops(&self) {
        self.hops.kill(self.entrance).await;
    }

    /// Where HOPS keeps its state.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Names of this platform's containers that run.
    pub(crate) async fn containers(&self) -> Result<Vec<String>> {
        let filter = self.filter();
        let list = ["ps", "--filter", &filter, "--format", "{{.Names}}"];
        let mut names: Vec<String> = self.engine.docker(&list).await?.lines().map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    fn filter(&self) -> String {
        format!("label=hops/platform={}", self.hops.settings().platform)
    }
}

impl Drop for Machine {
    /// Whatever a failed test left behind.
    fn drop(&mut self) {
        let filter = self.filter();
        let docker = |arguments: &[&str]| {
            let output =
                Command::new("docker").args(["--host", &self.engine.socket]).args(arguments).output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
        };
        let kinds: [(&[&str], &[&str]); 2] = [
            (&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]),
            (&["network", "ls", "--quiet"], &["network", "rm"]),
        ];
        for (list, remove) in kinds {
            let found = docker(&[list, &["--filter", &filter]].concat());
            let found: Vec<&str> = found.lines().collect();
            if !found.is_empty() {
                docker(&[remove, &found].concat());
            }
        }
    }
}

#[async_trait]
impl World for Machine {
    fn engine(&self) -> &dyn Engine {
        &self.hops
    }

    fn entrance(&self) -> SocketAddr {
        self.entrance
    }

    async fn image(&self) -> Result<ImageRef> {
        testapp::image().await
    }
}
