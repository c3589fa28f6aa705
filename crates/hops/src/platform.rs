//! A platform, put together of its parts, whatever its engine is.
//!
//! ```text
//! configuration ─▶ state, store, engine, builder ─▶ control ─▶ HTTP, until SIGTERM or SIGINT
//! ```

mod log;
mod logins;
mod memory;
mod state;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use hops_build::Builder;
use hops_control::{Control, Parts};
use hops_engine::Engine;
use hops_server::{AccessToken, Metrics};
use hops_store::Store;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    configuration::Configuration,
    failure::{Blame, Failure},
};

pub(crate) use self::{
    log::{Destination, open as open_log},
    logins::Logins,
    memory::Memory,
    state::State,
};

/// How long a deploy waits for an engine that is away.
const ENGINE_PATIENCE: Duration = Duration::from_mins(1);

/// A platform that takes up what it left, and waits for clients.
pub(crate) struct Platform {
    control: Control,
    access: AccessToken,
    settings: hops_server::Settings,
}

/// What a process needs before anything else: its log, and one provider for everything that speaks TLS.
pub(crate) fn prepare(configuration: &Configuration, destination: Destination) -> Result<(), Failure> {
    log::install(&configuration.log, destination)?;
    // It can be there already only if this ran twice.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a cryptography provider is installed already"))?;
    Ok(())
}

/// Listens for clients.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .users()
        .hint("another server may run there; `--listen ADDRESS` or `listen` in the file names another one")
}

/// The logins for registries that the configuration names.
pub(crate) fn logins(configuration: &Configuration) -> Result<Logins, Failure> {
    configuration.build.credentials_file.as_deref().map_or_else(|| Ok(Logins::new()), logins::read)
}

/// Completes when the process is told to stop.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

impl Platform {
    /// Takes up the deploys that a former process left.
    pub(crate) async fn start(
        configuration: &Configuration,
        state: &State,
        access: AccessToken,
        store: Store,
        engine: Arc<dyn Engine>,
        builder: Arc<dyn Builder>,
        metrics: Option<Metrics>,
    ) -> Result<Self, Failure> {
        let parts = Parts {
            store,
            engine,
            builder,
            repositories: state.repositories(),
            hosts: configuration.hosts.clone(),
            patience: ENGINE_PATIENCE,
        };
        let control = Control::start(parts).await?;
        let settings = hops_server::Settings { max_push_bytes: configuration.limits.push_bytes(), metrics };
        Ok(Self { control, access, settings })
    }

    /// Serves clients until `stop` completes. Deploys under way are taken up at the next start.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        hops_server::serve(listener, self.control.clone(), self.access, self.settings, stop).await;
        tracing::info!("stopping; deploys under way are taken up at the next start");
        self.control.shut_down().await;
    }
}
