//! Where the daemons of the test cluster are.

use std::{net::SocketAddr, sync::LazyLock};

use anyhow::{Context, Result};

/// The daemons that tests use. `cargo xtask cluster env` prints the variables that name them.
#[derive(Debug, Clone)]
pub struct Daemons {
    /// The registry, as in the names of images.
    pub registry: String,
    /// BuildKit's address.
    pub buildkit: String,
    /// The ingress controller's entrance for plain HTTP.
    pub ingress: SocketAddr,
}

static DAEMONS: LazyLock<Result<Daemons, String>> =
    LazyLock::new(|| Daemons::from_environment().map_err(|error| format!("{error:#}")));

impl Daemons {
    /// The daemons named by the environment. Without them a test fails: one that is skipped proves nothing.
    pub fn get() -> Result<&'static Self> {
        DAEMONS.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    fn from_environment() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var(name).with_context(|| {
                format!(
                    "{name} is not set: this test needs the test cluster; start it with `cargo xtask cluster up`, then \
                     `eval \"$(cargo xtask cluster env)\"`"
                )
            })
        };
        let ingress = variable("HOPS_TEST_INGRESS")?;
        Ok(Self {
            registry: variable("HOPS_TEST_REGISTRY")?,
            buildkit: variable("HOPS_TEST_BUILDKIT")?,
            ingress: ingress
                .parse()
                .with_context(|| format!("HOPS_TEST_INGRESS is no address: {ingress}"))?,
        })
    }
}
