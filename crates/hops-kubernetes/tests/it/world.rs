//! The test cluster as a world of scenes.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use hops_engine::{Engine, Scheme};
use hops_kubernetes::{Kubernetes, Settings};
use hops_model::ImageRef;
use hops_testkit::{Daemons, Proxy, World, testapp};

/// Short enough for tests to wait for, long enough for a good roll-out on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// Shorter than the deadline, as the default is. The default itself is waited for end to end.
const MISTAKE: Duration = Duration::from_secs(10);
/// The ingress controller takes notice late on a machine where many tests run at once.
const DRAIN: Duration = Duration::from_secs(10);
/// Nobody waits for it: what fails sooner was seen to fail.
const NEVER: Duration = Duration::from_mins(10);

pub(crate) struct Cluster {
    engine: Kubernetes,
    entrance: SocketAddr,
}

impl Cluster {
    /// The cluster of the environment, with a deadline that tests can wait for.
    pub(crate) async fn new() -> Result<Self> {
        Self::with(|settings| settings.progress_deadline = DEADLINE).await
    }

    /// The same with deadlines that no test waits for.
    pub(crate) async fn patient() -> Result<Self> {
        Self::with(|settings| {
            settings.progress_deadline = NEVER;
            settings.mistake_deadline = NEVER;
        })
        .await
    }

    /// The same with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let entrance = Daemons::ingress()?;
        let mut settings = Settings {
            drain: DRAIN,
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

    fn cannot(&self) -> &[(&'static str, &'static str)] {
        &[(
            "another_app_is_out_of_reach",
            "the NetworkPolicy is there, and nothing in the test cluster enforces it",
        )]
    }
}
