//! The platform, put together of its parts.
//!
//! ```text
//! configuration ─▶ store, engine, builder ─▶ control ─▶ HTTP, until SIGTERM or SIGINT
//! ```

mod log;
mod logins;
mod memory;
mod state;

use std::sync::Arc;

use anyhow::Context;
use hops_build::BuildKitBuilder;
use hops_control::{Control, Parts};
use hops_engine::Engine;
use hops_kubernetes::Kubernetes;
use hops_model::{AppName, Environment, Target};
use hops_store::Store;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use self::{memory::Memory, state::State};
use crate::{
    configuration::{Cluster, Configuration},
    failure::{Blame, Failure},
    printer::Printer,
    runtime,
};

/// How long a deploy waits for a cluster that is away.
const ENGINE_PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// Runs the platform until the process is told to stop.
pub(crate) fn run(configuration: Configuration, printer: Printer) -> Result<(), Failure> {
    log::install(&configuration.log, printer.colors_stderr())?;
    // One provider for everything that speaks TLS here. It can be there already only if this ran twice.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a cryptography provider is installed already"))?;
    runtime::server()?.block_on(serve(configuration))
}

async fn serve(configuration: Configuration) -> Result<(), Failure> {
    // Before anything else: signals that come during the start end it as well.
    let stop = stop_signal()?;
    // Whoever finds the address taken must not have touched the state of the server that has it.
    let address = configuration.listen;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .users()
        .hint("another server may run there; `--listen ADDRESS` or `listen` in the file names another one")?;
    let engine = Arc::new(kubernetes(&configuration).await?);
    let state = State::open(&configuration.state_directory)?;
    let access = state.access()?;
    let store = Store::open(&state.database()).await?;
    let builder = builder(&configuration, &store)?;
    let parts = Parts {
        store,
        engine: Arc::clone(&engine) as Arc<dyn Engine>,
        builder: Arc::new(builder),
        repositories: state.repositories(),
        hosts: configuration.hosts.clone(),
        patience: ENGINE_PATIENCE,
    };
    let control = Control::start(parts).await?;
    tokio::spawn(report_on(engine));
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "HOPS is ready");
    let settings = hops_server::Settings { max_push_bytes: configuration.limits.push_bytes() };
    hops_server::serve(listener, control.clone(), access, settings, stop).await;
    tracing::info!("stopping; deploys under way are taken up at the next start");
    control.shut_down().await;
    Ok(())
}

async fn kubernetes(configuration: &Configuration) -> Result<Kubernetes, Failure> {
    let Cluster { kubeconfig, context } = &configuration.cluster;
    let settings = configuration.kubernetes.clone();
    let engine = Kubernetes::connect(kubeconfig.as_deref(), context.as_deref(), settings).await;
    engine.users().hint("name a kubeconfig by `kubeconfig` in `[cluster]`, or by the variable KUBECONFIG")
}

fn builder(configuration: &Configuration, store: &Store) -> Result<BuildKitBuilder, Failure> {
    let logins = match &configuration.build.credentials_file {
        Some(path) => logins::read(path)?,
        None => logins::Logins::new(),
    };
    let memory = Arc::new(Memory::new(store.clone()));
    let builder = BuildKitBuilder::new(configuration.build.settings(), Arc::new(logins), memory);
    builder.context("`[build]` in the configuration cannot be used").users()
}

/// Says in the log whether the cluster answers. One that does not is no reason not to start: it may be back before it
/// is needed, and what it runs goes on without HOPS.
async fn report_on(engine: Arc<Kubernetes>) {
    let nobody = AppName::parse("hops-start").map(|app| Target::new(app, Environment::Local));
    let Ok(nobody) = nobody else { return };
    match engine.status(&nobody).await {
        Ok(_) => tracing::info!("the cluster answers"),
        Err(error) => tracing::warn!(
            error = &error as &(dyn std::error::Error + 'static),
            "the cluster does not answer; deploys fail until it does"
        ),
    }
}

/// Completes when the process is told to stop.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
