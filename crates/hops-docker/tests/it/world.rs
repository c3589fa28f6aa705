//! A machine with Docker, HOPS and its proxy, as a world of scenes.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use hops_docker::{Redirect, Settings};
use hops_engine::{Engine, Scheme};
use hops_model::ImageRef;
use hops_testkit::{DockerEngine, World, address, testapp};
use tempfile::TempDir;

use crate::hops::Hops;

/// Counts only where a mistake is certain, so it may be short. The default itself is waited for end to end.
const MISTAKE: Duration = Duration::from_secs(10);
/// Nobody waits for it: what fails sooner was seen to fail, and what is good has all the time that a busy machine takes.
/// Within the five minutes that `.config/nextest.toml` gives a test, so that a roll-out that hangs still says why.
const NEVER: Duration = Duration::from_mins(4);

pub(crate) struct Machine {
    hops: Hops,
    /// Docker itself, to be meddled with.
    pub(crate) engine: DockerEngine,
    directory: TempDir,
    entrance: SocketAddr,
}

impl Machine {
    /// A new platform on an engine.
    pub(crate) async fn on(engine: DockerEngine) -> Result<Self> {
        Self::with(engine, |_| {}).await
    }

    /// The same that waits for mistakes for as long as for anything else.
    pub(crate) async fn patient(engine: DockerEngine) -> Result<Self> {
        Self::with(engine, |settings| settings.mistake_deadline = NEVER).await
    }

    /// The same with other settings.
    pub(crate) async fn with(engine: DockerEngine, change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let entrance = address::own_socket()?;
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let mut settings = Settings {
            socket: engine.socket.clone(),
            platform: format!("t{}", &unique[..8]),
            subnets: vec![engine.pool.parse().context("the engine's pool is no network")?],
            public_scheme: Some(Scheme::Http),
            public_port: Some(entrance.port()),
            redirect: Redirect::Never,
            progress_deadline: NEVER,
            mistake_deadline: MISTAKE,
            ..Settings::default()
        };
        change(&mut settings);
        let machine = Self { hops: Hops::new(settings), engine, directory: tempfile::tempdir()?, entrance };
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

    /// Names of this platform's containers, whether they run or not: one that was stopped is to be removed.
    pub(crate) async fn containers(&self) -> Result<Vec<String>> {
        let filter = self.filter();
        let list = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"];
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
        // It would make them anew.
        self.hops.end();
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

    fn deadline(&self) -> Duration {
        self.hops.settings().progress_deadline
    }

    async fn image(&self) -> Result<ImageRef> {
        testapp::image().await
    }
}
