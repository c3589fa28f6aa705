//! An engine and a builder that do as a test says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use hops_build::{BuildRequest, BuildResults, Builder};
use hops_engine::{ApplingPlan, Engine, EngineError, Events, LogLine, LogQuery, LogStream, Observed, Plan};
use hops_model::{
    ApplingName, ApplingOutcome, ApplingResult, ApplingStatus, BuiltImage, Desired, Event, ImageRef,
    ImageUser, Target,
};
use tokio::sync::{Semaphore, broadcast, mpsc::UnboundedSender};

/// Runs nothing. Roll-outs wait until the test lets them end.
pub(crate) struct DoubleEngine {
    /// As many roll-outs may end as there are permits.
    pub(crate) may_end: Semaphore,
    /// Lines that follow a query's first.
    pub(crate) lines: broadcast::Sender<LogLine>,
    /// What [`Engine::logs`] begins with.
    pub(crate) kept: Mutex<Vec<LogLine>>,
    pub(crate) queries: Mutex<Vec<LogQuery>>,
    pub(crate) removed: Mutex<Vec<Target>>,
}

impl DoubleEngine {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            may_end: Semaphore::new(0),
            lines: broadcast::channel(16).0,
            kept: Mutex::default(),
            queries: Mutex::default(),
            removed: Mutex::default(),
        })
    }
}

#[async_trait]
impl Engine for DoubleEngine {
    fn name(&self) -> &'static str {
        "double"
    }

    async fn observe(&self, _: &Target) -> Result<Observed, EngineError> {
        Ok(Observed::default())
    }

    fn plan(&self, desired: &Desired, _: &Observed) -> Plan {
        let appling = |appling: &hops_model::DesiredAppling| ApplingPlan {
            name: appling.name.clone(),
            release: appling.release,
            restarts: true,
            port: appling.port.number(),
            url: None,
            last_good: None,
        };
        Plan {
            target: desired.target.clone(),
            release: desired.release,
            commit: desired.commit.clone(),
            steps: Vec::new(),
            applings: desired.applings.iter().map(appling).collect(),
        }
    }

    async fn apply(&self, plan: &Plan, events: &Events) -> Result<Vec<ApplingOutcome>, EngineError> {
        let mut outcomes = Vec::new();
        for appling in &plan.applings {
            let message = "waits for the test".to_owned();
            events.send(Event::Rollout { appling: appling.name.clone(), ready: 0, wanted: 2, message });
            self.may_end.acquire().await.unwrap().forget();
            events.send(Event::Live { appling: appling.name.clone(), url: None, duration_ms: 1 });
            outcomes.push(ApplingOutcome {
                name: appling.name.clone(),
                result: ApplingResult::Live,
                url: None,
                duration_ms: Some(1),
                cause: None,
                restored: None,
            });
        }
        Ok(outcomes)
    }

    async fn status(&self, target: &Target) -> Result<Vec<ApplingStatus>, EngineError> {
        match target.environment {
            hops_model::Environment::Local => panic!("the engine double panics in `local`"),
            hops_model::Environment::Test => Err(EngineError::Unreachable {
                engine: "double",
                address: "nowhere".to_owned(),
                source: "no route to host".into(),
            }),
            _ => Ok(Vec::new()),
        }
    }

    async fn logs(&self, query: LogQuery) -> Result<LogStream, EngineError> {
        self.queries.lock().unwrap().push(query.clone());
        let kept = self.kept.lock().unwrap().clone();
        let live = stream::unfold(self.lines.subscribe(), |mut lines| async {
            lines.recv().await.ok().map(|line| (line, lines))
        });
        let kept = stream::iter(kept).map(Ok);
        if query.previous {
            let gone = EngineError::NotOurs { object: "Pod web-1".to_owned() };
            return Ok(kept.chain(stream::iter([Err(gone)])).boxed());
        }
        Ok(if query.follow { kept.chain(live.map(Ok)).boxed() } else { kept.boxed() })
    }

    async fn remove(&self, target: &Target) -> Result<(), EngineError> {
        self.removed.lock().unwrap().push(target.clone());
        Ok(())
    }
}

/// Builds nothing, at once.
pub(crate) struct DoubleBuilder;

fn image(name: &ApplingName) -> BuiltImage {
    let reference = ImageRef::parse(&format!("registry.example/{name}@sha256:{}", "1".repeat(64))).unwrap();
    BuiltImage { reference, user: ImageUser::Root }
}

#[async_trait]
impl Builder for DoubleBuilder {
    async fn build(&self, request: BuildRequest, _: UnboundedSender<Event>) -> BuildResults {
        request.applings.into_iter().map(|appling| (appling.name.clone(), Ok(image(&appling.name)))).collect()
    }

    async fn expected(&self, request: &BuildRequest) -> BTreeMap<ApplingName, BuiltImage> {
        request.applings.iter().map(|appling| (appling.name.clone(), image(&appling.name))).collect()
    }
}
