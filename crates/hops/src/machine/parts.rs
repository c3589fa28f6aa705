//! The parts of the platform on one machine, from the state to what answers.

use std::{env, net::SocketAddr, sync::Arc};

use anyhow::Context;
use futures::future;
use hops_build::BuildKitBuilder;
use hops_certificates::Certifier;
use hops_docker::{Docker, StartError};
use hops_proxy::{Certificates, Challenges, Listeners, Proxy, Routes};
use hops_server::Metrics;
use hops_store::Store;
use tokio::{net::TcpListener, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Stop, hosts,
    images::EngineImages,
    login,
    manager::{Kept, Manager},
    needs,
    ports::{Fallback, Ports},
    summary::Summary,
};
use crate::{
    configuration::Configuration,
    failure::{Blame, Failure},
    platform::{self, Memory, Platform, State},
};

/// Variables that name Docker's socket, the first one first.
const SOCKET: [&str; 2] = ["HOPS_DOCKER", "DOCKER_HOST"];

/// A platform that takes requests.
pub(super) struct Parts {
    /// What is told about it.
    pub(super) summary: Summary,
    /// What started this process, and hears of its states.
    pub(super) manager: Manager,
    platform: Platform,
    listener: TcpListener,
    proxy: Arc<Proxy>,
    certifying: AbortHandle,
}

impl Parts {
    /// Puts all together, in the order in which one needs the other. What is most likely missing comes first.
    pub(super) async fn start(mut configuration: Configuration, state: &State) -> Result<Self, Failure> {
        needs::git()?;
        let listener = platform::listen(configuration.listen).await?;
        let server = hosts::reachable(listener.local_addr().context("cannot tell the server's address")?);
        let (manager, mut kept) = (Manager::from_environment(), Kept::from_environment());
        let threads = configuration.proxy.thread_count();
        let ports = Ports::listen(configuration.ports.http, configuration.ports.https, threads, &mut kept)?;
        manager.forget(kept);
        manager.keep("http", &ports.http);
        manager.keep("https", &ports.https);
        let [http, https] = ports.numbers().context("cannot tell the ports of apps")?;
        hosts::name(&mut configuration.docker, &configuration.certificates, http, https);
        if let Some(socket) =
            SOCKET.iter().find_map(|name| env::var(name).ok().filter(|text| !text.is_empty()))
        {
            configuration.docker.socket = socket;
        }

        let is_first = !Summary::is_left(state.directory());
        let access = state.access()?;
        let store = Store::open(&state.database()).await?;
        let routes = Routes::new();
        if let Some(host) = &configuration.ports.server_host {
            hosts::route_server(&routes, host, server, configuration.docker.redirect);
        }
        // When this is done every app has its route again, and the proxy may take requests.
        let engine = docker(&configuration, state, routes.clone()).await?;
        let builder = builder(&configuration, &engine, &store)?;
        let (certificates, challenges) = (Certificates::new(), Challenges::new());
        let certifier = Certifier::start(
            configuration.certificates.clone(),
            state.certificates(),
            certificates.clone(),
            challenges.clone(),
        )
        .users()?;
        // What was issued before is in place for the first handshake.
        certifier.want(routes.hosts());
        let certifying = tokio::spawn(hosts::certify(certifier, routes.clone())).abort_handle();
        let Ports { http, https, fallback } = ports;
        let listeners = Listeners { http: vec![http.into()], https: vec![https.into()] };
        let proxy = Proxy::start(configuration.proxy.clone(), listeners, routes, certificates, challenges);
        let proxy = Arc::new(proxy.context("the proxy cannot start")?);

        let measured = Arc::downgrade(&proxy);
        let metrics =
            Metrics::new(move || measured.upgrade().map(|proxy| proxy.metrics()).unwrap_or_default());
        let mut summary = summary(&configuration, state, server, is_first, engine.settings());
        if let Some(Fallback { why, remedy }) = fallback {
            summary.notes.push(format!("Apps are not at ports 80 and 443: {why}"));
            summary.next.extend(remedy.map(str::to_owned));
        }
        let platform = Platform::start(
            &configuration,
            state,
            access.token,
            store,
            Arc::new(engine),
            Arc::new(builder),
            Some(metrics),
        )
        .await?;
        login::log_in(&mut summary, &access.file);
        Ok(Self { summary, manager, platform, listener, proxy, certifying })
    }

    /// Serves until told to stop. Requests in hand then have their time, unless it is told to stop again; containers run on.
    pub(super) async fn serve(self, stop: Stop) -> Result<(), Failure> {
        let Self { manager, platform, listener, proxy, certifying, .. } = self;
        let stopping = CancellationToken::new();
        let told = async {
            stop.await;
            manager.stopping();
            stopping.cancel();
        };
        let draining = async {
            stopping.cancelled().await;
            certifying.abort();
            // Whoever writes metrics at this moment holds it as well; it then stops when that one is done.
            if let Ok(proxy) = Arc::try_unwrap(proxy) {
                proxy.shut_down().await;
            }
        };
        let again = async {
            stopping.cancelled().await;
            platform::stop_signal()?.await;
            Ok(())
        };
        tokio::select! {
            _ = future::join(platform.serve(listener, told), draining) => Ok(()),
            told = again => {
                tracing::warn!("told to stop once more: requests in hand are cut off");
                told
            }
        }
    }
}

async fn docker(configuration: &Configuration, state: &State, routes: Routes) -> Result<Docker, Failure> {
    let Configuration { docker, proxy, .. } = configuration;
    let started = Docker::start(docker.clone(), &state.engine(), routes, proxy.drain).await;
    started.map_err(|error| match &error {
        StartError::Connect(cause) => {
            let hint = cause.help();
            Err::<(), _>(error).users().hint(hint).expect_err("it is one")
        }
        _ => error.into(),
    })
}

fn builder(
    configuration: &Configuration,
    engine: &Docker,
    store: &Store,
) -> Result<BuildKitBuilder, Failure> {
    let logins = Arc::new(platform::logins(configuration)?);
    let memory = Arc::new(Memory::new(store.clone()));
    let socket = &configuration.docker.socket;
    let own = format!("docker://{}", socket.strip_prefix("unix://").unwrap_or(socket));
    let settings = configuration.build.settings(&own);
    let builder = if settings.is_in_engine() {
        let repositories = engine.settings().repositories();
        BuildKitBuilder::in_engine(
            settings,
            repositories,
            logins,
            memory,
            Arc::new(EngineImages(engine.clone())),
        )
    } else {
        BuildKitBuilder::new(settings, logins, memory)
    };
    builder.context("`[build]` in the configuration cannot be used").users()
}

fn summary(
    configuration: &Configuration,
    state: &State,
    server: SocketAddr,
    is_first: bool,
    docker: &hops_docker::Settings,
) -> Summary {
    let next = is_first
        .then(|| "`hops deploy` in a Git repository with a Dockerfile deploys its first app".to_owned());
    Summary {
        process: rustix::process::getpid().as_raw_pid(),
        started: true,
        first: is_first,
        server: format!("http://{server}"),
        apps: docker.url(&String::from(configuration.hosts.default.clone())),
        state: state.directory().to_owned(),
        log: None,
        notes: Vec::new(),
        next: next.into_iter().collect(),
    }
}
