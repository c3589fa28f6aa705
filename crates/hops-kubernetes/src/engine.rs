//! The engine itself: the contract, met by the modules around.

use std::path::Path;

use async_trait::async_trait;
use hops_engine::{Engine, EngineError, Events, LogQuery, LogStream, Observed, Plan};
use hops_model::{ApplingOutcome, ApplingStatus, Desired, Target};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use thiserror::Error;

use crate::{
    Settings, apply,
    error::{Cluster, ENGINE},
    logs, observe,
    plan::plan,
    remove, status,
};

/// Runs apps on a Kubernetes cluster.
#[derive(Clone)]
pub struct Kubernetes {
    cluster: Cluster,
    settings: Settings,
}

/// There is no way to a cluster.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No configuration, or one that cannot be read.
    #[error("no usable kubeconfig or service account was found")]
    Configuration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The configuration cannot be put to use, such as a certificate that cannot be read.
    #[error("the configuration of the cluster at {address} cannot be used")]
    Client {
        /// The API server's address.
        address: String,
        /// What the client says.
        #[source]
        source: kube::Error,
    },
}

impl Kubernetes {
    /// The cluster of a kubeconfig: the file given, else that of `KUBECONFIG`, else `~/.kube/config`; or, in a pod, the
    /// one it runs in. With a `context`, that one of the kubeconfig.
    ///
    /// The caller has installed a rustls crypto provider. Nothing is sent yet.
    pub async fn connect(
        kubeconfig: Option<&Path>,
        context: Option<&str>,
        settings: Settings,
    ) -> Result<Self, ConnectError> {
        let options =
            KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let config = match (kubeconfig, context) {
            (None, None) => {
                Config::infer().await.map_err(|error| ConnectError::Configuration(Box::new(error)))?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(unusable)?,
            (Some(path), _) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unusable)?
            }
        };
        Self::with_config(config, settings)
    }

    /// The cluster of a configuration at hand.
    pub fn with_config(config: Config, settings: Settings) -> Result<Self, ConnectError> {
        let address = config.cluster_url.to_string();
        match Client::try_from(config) {
            Ok(client) => Ok(Self { cluster: Cluster { client, address }, settings }),
            Err(source) => Err(ConnectError::Client { address, source }),
        }
    }

    /// The settings in use.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

fn unusable(error: KubeconfigError) -> ConnectError {
    ConnectError::Configuration(Box::new(error))
}

#[async_trait]
impl Engine for Kubernetes {
    fn name(&self) -> &'static str {
        ENGINE
    }

    async fn observe(&self, target: &Target) -> Result<Observed, EngineError> {
        observe::observe(&self.cluster, &self.settings, target).await
    }

    fn plan(&self, desired: &Desired, observed: &Observed) -> Plan {
        plan(desired, observed, &self.settings)
    }

    async fn apply(&self, plan: &Plan, events: &Events) -> Result<Vec<ApplingOutcome>, EngineError> {
        apply::apply(&self.cluster, &self.settings, plan, events).await
    }

    async fn status(&self, target: &Target) -> Result<Vec<ApplingStatus>, EngineError> {
        status::status(&self.cluster, &self.settings, target).await
    }

    async fn logs(&self, query: LogQuery) -> Result<LogStream, EngineError> {
        logs::logs(&self.cluster, query).await
    }

    async fn remove(&self, target: &Target) -> Result<(), EngineError> {
        remove::remove(&self.cluster, target).await
    }
}
