//! HOPS as a process would be: with threads of its own, so that all of it can end in the middle of anything.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::RwLock,
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use hops_docker::{Docker, Settings, plan};
use hops_engine::{Engine, EngineError, Events, LogQuery, LogStream, Observed, Plan};
use hops_model::{ApplingOutcome, ApplingStatus, Desired, Target};
use hops_proxy::{Certificates, Challenges, DrainTimes, Listeners, Proxy, Routes};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::log;

/// HOPS on one machine, which may be started again and again.
pub(crate) struct Hops {
    settings: Settings,
    running: RwLock<Option<Running>>,
}

/// How long what HOPS has in hand may take to end.
const ENDING: Duration = Duration::from_secs(10);
/// On a busy machine a conversation of three seconds takes longer than the default's ten. Tests of the proxy prove both.
const DRAIN: DrainTimes = DrainTimes { requests: Duration::from_mins(1), upgraded: Duration::from_mins(1) };

struct Running {
    docker: Docker,
    _proxy: Proxy,
    runtime: Runtime,
}

impl Hops {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, running: RwLock::new(None) }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Starts it on what an earlier one left.
    pub(crate) async fn start(&self, directory: &Path, entrance: SocketAddr) -> Result<()> {
        log::keep();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (settings, folder, routes) = (self.settings.clone(), directory.to_owned(), Routes::new());
        let given = routes.clone();
        let docker = runtime.spawn(async move { Docker::start(settings, &folder, given, DRAIN).await }).await;
        let docker = match docker.context("starting")? {
            Ok(docker) => docker,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error.into());
            }
        };
        // As HOPS does it: nobody is listened to before the routes are there.
        let listeners = Listeners { http: vec![entrance.into()], https: Vec::new() };
        let (certificates, challenges) = (Certificates::new(), Challenges::new());
        let mut settings = hops_proxy::Settings::default();
        // A test's whole load comes from one address.
        settings.limits.connections_per_address = settings.limits.connections;
        let proxy = Proxy::start(settings, listeners, routes, certificates, challenges)?;
        *self.running.write().expect("nobody panics with it") =
            Some(Running { docker, _proxy: proxy, runtime });
        Ok(())
    }

    /// Ends it at whatever it is doing, as SIGKILL would: no task gets to its end.
    pub(crate) async fn kill(&self, entrance: SocketAddr) {
        let running = self.running.write().expect("nobody panics with it").take();
        if let Some(running) = running {
            running.runtime.shutdown_background();
        }
        // The proxy's threads close their listeners a moment later; a dead process has none.
        while TcpStream::connect(entrance).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it for good, and waits until nothing of it is left.
    pub(crate) fn end(&self) {
        let running = self.running.write().expect("nobody panics with it").take();
        if let Some(running) = running {
            // A thread of its own may wait where a task may not.
            let _ = std::thread::spawn(move || running.runtime.shutdown_timeout(ENDING)).join();
        }
    }

    /// Does something as HOPS itself would; it ends with HOPS.
    async fn run<T: Send + 'static, F>(&self, action: impl FnOnce(Docker) -> F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let (docker, handle) = self.current()?;
        match handle.spawn(action(docker)).await {
            Ok(result) => result,
            Err(_) => Err(away()),
        }
    }

    fn current(&self) -> Result<(Docker, Handle), EngineError> {
        let running = self.running.read().expect("nobody panics with it");
        let running = running.as_ref().ok_or_else(away)?;
        Ok((running.docker.clone(), running.runtime.handle().clone()))
    }
}

fn away() -> EngineError {
    EngineError::Unreachable {
        engine: "HOPS",
        address: "this test".to_owned(),
        source: io::Error::other("it was killed").into(),
    }
}

#[async_trait]
impl Engine for Hops {
    fn name(&self) -> &'static str {
        "docker"
    }

    async fn observe(&self, target: &Target) -> Result<Observed, EngineError> {
        let target = target.clone();
        self.run(|docker| async move { docker.observe(&target).await }).await
    }

    fn plan(&self, desired: &Desired, observed: &Observed) -> Plan {
        plan(desired, observed, &self.settings)
    }

    async fn apply(&self, plan: &Plan, events: &Events) -> Result<Vec<ApplingOutcome>, EngineError> {
        let (plan, events) = (plan.clone(), events.clone());
        self.run(|docker| async move { docker.apply(&plan, &events).await }).await
    }

    async fn status(&self, target: &Target) -> Result<Vec<ApplingStatus>, EngineError> {
        let target = target.clone();
        self.run(|docker| async move { docker.status(&target).await }).await
    }

    async fn logs(&self, query: LogQuery) -> Result<LogStream, EngineError> {
        self.run(|docker| async move { docker.logs(query).await }).await
    }

    async fn remove(&self, target: &Target) -> Result<(), EngineError> {
        let target = target.clone();
        self.run(|docker| async move { docker.remove(&target).await }).await
    }
}
