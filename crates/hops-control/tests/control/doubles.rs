//! An engine and a builder that do as a test says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use hops_build::{BuildRequest, BuildResults, Builder};
use hops_engine::{ApplingPlan, Engine, EngineError, Events, LogQuery, LogStream, Observed, Plan};
use hops_model::{
    ApplingName, ApplingOutcome, ApplingResult, ApplingStatus, BuiltImage, Cause, CauseCode, CommitId,
    Desired, Event, ImageRef, ImageUser, Target,
};
use tokio::sync::{Semaphore, mpsc::UnboundedSender};

/// Lets something go on a number of times; at first without end.
pub(crate) struct Gate(Semaphore);

impl Gate {
    pub(crate) fn open() -> Self {
        Self(Semaphore::new(Semaphore::MAX_PERMITS / 2))
    }

    pub(crate) fn close(&self) {
        self.0.forget_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) fn let_one_pass(&self) {
        self.0.add_permits(1);
    }

    async fn pass(&self) {
        self.0.acquire().await.expect("the gate is never taken away").forget();
    }
}

/// Runs nothing, and remembers what it was asked for.
pub(crate) struct TestEngine {
    pub(crate) applying: Gate,
    pub(crate) removing: Gate,
    /// Every target whose removal began, in this order.
    pub(crate) removed: Mutex<Vec<Target>>,
    /// What it says that runs.
    pub(crate) running: Mutex<Vec<ApplingStatus>>,
    /// How many calls of `apply` fail as if the engine were away.
    pub(crate) away: Mutex<u32>,
    /// Whether `apply` panics.
    pub(crate) panics: AtomicBool,
    /// Applings whose roll-outs fail.
    pub(crate) failing: Mutex<BTreeSet<ApplingName>>,
    /// Every plan that was applied, in this order.
    pub(crate) applied: Mutex<Vec<Plan>>,
    pub(crate) wanted: Mutex<Vec<Desired>>,
}

impl TestEngine {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            applying: Gate::open(),
            removing: Gate::open(),
            removed: Mutex::default(),
            running: Mutex::default(),
            away: Mutex::default(),
            panics: AtomicBool::default(),
            failing: Mutex::default(),
            applied: Mutex::default(),
            wanted: Mutex::default(),
        })
    }

    fn is_here(&self) -> Result<(), EngineError> {
        let mut away = self.away.lock().unwrap();
        if *away == 0 {
            return Ok(());
        }
        *away -= 1;
        let source = "connection refused".into();
        Err(EngineError::Unreachable { engine: "test", address: "nowhere".into(), source })
    }
}

#[async_trait]
impl Engine for TestEngine {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn observe(&self, _: &Target) -> Result<Observed, EngineError> {
        Ok(Observed::default())
    }

    fn plan(&self, desired: &Desired, _: &Observed) -> Plan {
        self.wanted.lock().unwrap().push(desired.clone());
        let applings = desired.applings.iter().map(|appling| ApplingPlan {
            name: appling.name.clone(),
            release: appling.release,
            restarts: appling.release == desired.release,
            port: appling.port.number(),
            url: appling.routes.first().map(|host| format!("https://{host}")),
            last_good: desired.last_good.get(&appling.name).map(|good| good.release),
        });
        Plan {
            target: desired.target.clone(),
            release: desired.release,
            commit: desired.commit.clone(),
            steps: Vec::new(),
            applings: applings.collect(),
        }
    }

    async fn apply(&self, plan: &Plan, events: &Events) -> Result<Vec<ApplingOutcome>, EngineError> {
        self.applied.lock().unwrap().push(plan.clone());
        assert!(!self.panics.load(Ordering::Relaxed), "as the test wants it");
        self.is_here()?;
        for appling in &plan.applings {
            let message = "1 of 2 ready".to_owned();
            events.send(Event::Rollout { appling: appling.name.clone(), ready: 1, wanted: 2, message });
        }
        self.applying.pass().await;
        let failing = self.failing.lock().unwrap().clone();
        let outcome = |appling: &ApplingPlan| {
            let name = appling.name.clone();
            if failing.contains(&name) {
                let cause = Cause::new(CauseCode::ReadinessFailed, "never ready", "mend it");
                return ApplingOutcome { restored: appling.last_good, ..ApplingOutcome::failed(name, cause) };
            }
            let result = if appling.restarts { ApplingResult::Live } else { ApplingResult::Unchanged };
            ApplingOutcome {
                name,
                result,
                url: appling.url.clone(),
                duration_ms: None,
                cause: None,
                restored: None,
            }
        };
        Ok(plan.applings.iter().map(outcome).collect())
    }

    async fn status(&self, _: &Target) -> Result<Vec<ApplingStatus>, EngineError> {
        Ok(self.running.lock().unwrap().clone())
    }

    async fn logs(&self, _: LogQuery) -> Result<LogStream, EngineError> {
        Ok(Box::pin(futures::stream::empty()))
    }

    async fn remove(&self, target: &Target) -> Result<(), EngineError> {
        self.removed.lock().unwrap().push(target.clone());
        self.removing.pass().await;
        self.is_here()
    }
}

/// Builds nothing: the image of an appling is named by its commit.
pub(crate) struct TestBuilder {
    pub(crate) building: Gate,
    /// Applings whose builds fail.
    pub(crate) failing: Mutex<BTreeSet<ApplingName>>,
    /// The commit of every build, in this order.
    pub(crate) built: Mutex<Vec<CommitId>>,
}

impl TestBuilder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { building: Gate::open(), failing: Mutex::default(), built: Mutex::default() })
    }
}

fn image(request: &BuildRequest, name: &ApplingName) -> BuiltImage {
    let reference =
        ImageRef::parse(&format!("registry.example/{}/{name}:{}", request.app, request.commit)).unwrap();
    BuiltImage { reference, user: ImageUser::Root }
}

#[async_trait]
impl Builder for TestBuilder {
    async fn build(&self, request: BuildRequest, events: UnboundedSender<Event>) -> BuildResults {
        for appling in &request.applings {
            let _ = events.send(Event::BuildStarted { appling: appling.name.clone() });
        }
        self.building.pass().await;
        self.built.lock().unwrap().push(request.commit.clone());
        let failing = self.failing.lock().unwrap().clone();
        let result = |name: &ApplingName| {
            let failed = || Cause::new(CauseCode::BuildFailed, "step 3 failed", "mend the Dockerfile");
            if failing.contains(name) { Err(failed()) } else { Ok(image(&request, name)) }
        };
        request.applings.iter().map(|appling| (appling.name.clone(), result(&appling.name))).collect()
    }

    async fn expected(&self, request: &BuildRequest) -> BTreeMap<ApplingName, BuiltImage> {
        let named =
            request.applings.iter().map(|appling| (appling.name.clone(), image(request, &appling.name)));
        named.collect()
    }
}
