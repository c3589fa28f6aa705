//! The test cluster as a world of scenes.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use hops_engine::{Engine, Scheme};
use hops_kubernetes::{Kubernetes, Settings};
use hops_model::{ImageRef, Target};
use hops_testkit::{Daemons, Impossible, Proxy, World, testapp};

/// Short enough for a test to wait for.
const SOON: Duration = Duration::from_secs(30);
/// Counts only where a mistake is certain, so it may be short. The default itself is waited for end to end.
const MISTAKE: Duration = Duration::from_secs(10);
/// The ingress controller takes notice late on a machine where many tests run at once.
const DRAIN: Duration = Duration::from_secs(10);
/// Nobody waits for it: what fails sooner was seen to fail, and what is good has all the time that a busy machine takes.
/// Within the five minutes that `.config/nextest.toml` gives a test, so that a roll-out that hangs still says why.
const NEVER: Duration = Duration::from_mins(4);

pub(crate) struct Cluster {
    engine: Kubernetes,
    entrance: SocketAddr,
}

impl Cluster {
    /// The cluster of the environment.
    pub(crate) async fn new() -> Result<Self> {
        Self::with(|_| {}).await
    }

    /// The same that waits for mistakes for as long as for anything else.
    pub(crate) async fn patient() -> Result<Self> {
        Self::with(|settings| settings.mistake_deadline = NEVER).await
    }

    /// The same with a deadline that a test can wait for. What is good might miss it on a busy machine.
    pub(crate) async fn hasty() -> Result<Self> {
        Self::with(|settings| settings.progress_deadline = SOON).await
    }

    /// The same with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let entrance = Daemons::ingress()?;
        let mut settings = Settings {
            drain: DRAIN,
            progress_deadline: NEVER,
            mistake_deadline: MISTAKE,
            public_scheme: Scheme::Http,
            public_port: Some(entrance.port()),
            ingress_address: Some(entrance.into()),
            ..Settings::default()
        };
        change(&mut settings);
        Ok(Self { engine: Kubernetes::connect(None, None, settings).await?, entrance })
    }

    /// The same by way of a proxy that can be cut.
    pub(crate) async fn behind_a_proxy() -> Result<(Self, Proxy)> {
        let cluster = Self::new().await?;
        let mut config = kube::Config::infer().await?;
        let authority = config.cluster_url.authority().context("the API server has an address")?;
        let proxy = Proxy::to(authority.as_str().parse()?).await?;
        config.cluster_url = format!("https://{}", proxy.address).parse()?;
        let engine = Kubernetes::with_config(config, cluster.engine.settings().clone())?;
        Ok((Self { engine, ..cluster }, proxy))
    }
}

#[async_trait]
impl World for Cluster {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    fn entrance(&self) -> SocketAddr {
        self.entrance
    }

    fn deadline(&self) -> Duration {
        self.engine.settings().progress_deadline
    }

    async fn image(&self) -> Result<ImageRef> {
        testapp::image().await
    }

    fn cannot(&self) -> &[Impossible] {
        &[Impossible {
            behaviour: "another_app_is_out_of_reach",
            reason: "the NetworkPolicy is there, and nothing in the test cluster enforces it",
            error: "was reached",
        }]
    }

    fn abandon(&self, target: &Target) {
        let namespace = target.namespace();
        let mut delete = Command::new("kubectl");
        delete.args(["delete", "namespace", &namespace, "--wait=false", "--ignore-not-found"]);
        // The test has failed already; what it has to say is not what goes wrong here.
        let _ = delete.output();
    }
}
