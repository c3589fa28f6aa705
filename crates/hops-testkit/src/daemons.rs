//! Where the daemons of the tests are.

use std::{net::SocketAddr, path::PathBuf, sync::LazyLock};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// What every engine's tests use: where images are built and kept. `cargo xtask cluster env` prints the variables that
/// name them.
#[derive(Debug, Clone)]
pub struct Daemons {
    /// The registry, as in the names of images.
    pub registry: String,
    /// BuildKit's address.
    pub buildkit: String,
}

static DAEMONS: LazyLock<Result<Daemons, String>> =
    LazyLock::new(|| Daemons::from_environment().map_err(|error| format!("{error:#}")));

impl Daemons {
    /// The daemons named by the environment. Without them a test fails: one that is skipped proves nothing.
    pub fn get() -> Result<&'static Self> {
        DAEMONS.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// The entrance for plain HTTP of the cluster's ingress controller.
    pub fn ingress() -> Result<SocketAddr> {
        let ingress = variable("HOPS_TEST_INGRESS", CLUSTER)?;
        ingress.parse().with_context(|| format!("HOPS_TEST_INGRESS is no address: {ingress}"))
    }

    fn from_environment() -> Result<Self> {
        Ok(Self {
            registry: variable("HOPS_TEST_REGISTRY", CLUSTER)?,
            buildkit: variable("HOPS_TEST_BUILDKIT", CLUSTER)?,
        })
    }
}

/// One of the two Docker engines.
#[derive(Debug, Clone)]
pub struct DockerEngine {
    name: &'static str,
    /// Where it listens, as `unix:///…`.
    pub socket: String,
    /// Where its containers' addresses may be: from elsewhere this machine does not reach them.
    pub pool: String,
}

impl DockerEngine {
    /// The oldest that HOPS works with, Debian's.
    pub fn old() -> Result<Self> {
        Self::of("old", "HOPS_TEST_DOCKER_OLD", "HOPS_TEST_DOCKER_OLD_POOL")
    }

    /// The current one.
    pub fn new() -> Result<Self> {
        Self::of("new", "HOPS_TEST_DOCKER_NEW", "HOPS_TEST_DOCKER_NEW_POOL")
    }

    fn of(name: &'static str, socket: &str, pool: &str) -> Result<Self> {
        Ok(Self { name, socket: variable(socket, DOCKER)?, pool: variable(pool, DOCKER)? })
    }

    /// Does by hand what an operator would do.
    pub async fn docker(&self, arguments: &[&str]) -> Result<String> {
        let mut docker = Command::new("docker");
        docker.args(["--host", &self.socket]).args(arguments);
        run(docker).await
    }

    /// Stops the daemon and starts it again, while its containers go on; `kill` ends it as a failure would.
    pub async fn restart(&self, kill: bool) -> Result<()> {
        let mut xtask = Command::new(PathBuf::from(variable("HOPS_TEST_XTASK", DOCKER)?));
        xtask.args(["docker", "restart", self.name]).args(kill.then_some("--kill"));
        run(xtask).await.map(drop)
    }
}

const CLUSTER: &str = "cargo xtask cluster up";
const DOCKER: &str = "cargo xtask docker up";

fn variable(name: &str, task: &str) -> Result<String> {
    std::env::var(name).with_context(|| {
        format!(
            "{name} is not set: this test needs daemons; start them with `{task}`, then \
             `eval \"$(cargo xtask cluster env)\"`"
        )
    })
}

async fn run(mut command: Command) -> Result<String> {
    let output = command.output().await.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{:?}: {}",
        command.as_std(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
