//! A machine with Docker, HOPS and its proxy, as a world of scenes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use hops_docker::{Redirect, Scheme, Settings};
use hops_engine::Engine;
use hops_model::ImageRef;
use hops_testkit::{DockerEngine, World, testapp};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::hops::Hops;

/// Held by whoever uses the engines; a test that restarts one has them to itself.
static IN_USE: RwLock<()> = RwLock::const_new(());

pub(crate) struct Machine {
    hops: Hops,
    /// Docker itself, to be meddled with.
    pub(crate) engine: DockerEngine,
    directory: TempDir,
    entrance: SocketAddr,
    _in_use: InUse,
}

#[expect(dead_code, reason = "what is held ends with the machine")]
enum InUse {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Machine {
    /// A new platform on an engine, with a deadline that tests can wait for.
    pub(crate) async fn on(engine: DockerEngine) -> Result<Self> {
        Self::with(engine, |_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn with(engine: DockerEngine, change: impl FnOnce(&mut Settings)) -> Result<Self> {
        Self::begin(engine, change, InUse::Shared(IN_USE.read().await)).await
    }

    /// The same on an engine that no other test uses meanwhile, so that it can be restarted.
    pub(crate) async fn alone_on(engine: DockerEngine) -> Result<Self> {
        Self::begin(engine, |_| {}, InUse::Alone(IN_USE.write().await)).await
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
