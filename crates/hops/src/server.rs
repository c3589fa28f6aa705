//! `hops server`: a platform whose engine is Kubernetes.

use std::sync::Arc;

use anyhow::Context;
use hops_build::BuildKitBuilder;
use hops_engine::Engine;
use hops_kubernetes::Kubernetes;
use hops_model::{AppName, Environment, Target};
use hops_store::Store;

use crate::{
    configuration::{Cluster, Configuration},
    failure::{Blame, Failure},
    platform::{self, Destination, Memory, Platform, State},
    printer::Printer,
    runtime,
};

/// Where BuildKit listens if nothing is configured.
const BUILDKIT: &str = "unix:///run/buildkit/buildkitd.sock";

/// Runs the platform until the process is told to stop.
pub(crate) fn run(configuration: Configuration, printer: Printer) -> Result<(), Failure> {
    platform::prepare(&configuration, Destination::Stderr { is_coloured: printer.colors_stderr() })?;
    runtime::server()?.block_on(serve(configuration))
}

async fn serve(configuration: Configuration) -> Result<(), Failure> {
    // Before anything else: signals that come during the start end it as well.
    let stop = platform::stop_signal()?;
    // Whoever finds the address taken must not have touched the state of the server that has it.
    let listener = platform::listen(configuration.listen).await?;
    let engine = Arc::new(kubernetes(&configuration).await?);
    let state = State::open(&configuration.state_directory()?)?;
    let access = state.access()?;
    if access.is_new {
        let file = access.file.display();
        tracing::info!(%file, "made the token for clients; `hops login` asks for what is in this file");
    }
    let store = Store::open(&state.database()).await?;
    let builder = Arc::new(builder(&configuration, &store)?);
    let shared = Arc::clone(&engine) as Arc<dyn Engine>;
    let platform =
        Platform::start(&configuration, &state, access.token, store, shared, builder, None).await?;
    tokio::spawn(report_on(engine));
    tracing::info!(address = %configuration.listen, version = env!("CARGO_PKG_VERSION"), "HOPS is ready");
    platform.serve(listener, stop).await;
    Ok(())
}

async fn kubernetes(configuration: &Configuration) -> Result<Kubernetes, Failure> {
    let Cluster { kubeconfig, context } = &configuration.cluster;
    let settings = configuration.kubernetes.clone();
    let engine = Kubernetes::connect(kubeconfig.as_deref(), context.as_deref(), settings).await;
    engine.users().hint("name a kubeconfig by `kubeconfig` in `[cluster]`, or by the variable KUBECONFIG")
}

fn builder(configuration: &Configuration, store: &Store) -> Result<BuildKitBuilder, Failure> {
    let logins = Arc::new(platform::logins(configuration)?);
    let memory = Arc::new(Memory::new(store.clone()));
    let builder = BuildKitBuilder::new(configuration.build.settings(BUILDKIT), logins, memory);
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
