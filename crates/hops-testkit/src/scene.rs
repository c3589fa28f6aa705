//! An app in a test: described, deployed through an engine as HOPS itself would, asked, and removed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use futures::StreamExt;
use hops_engine::{Engine, EngineError, Events, LogQuery, LogStream, Plan};
use hops_model::{
    AppName, ApplingName, ApplingOutcome, ApplingResult, CauseCode, CommitId, Desired, DesiredAppling,
    Environment, Event, HostName, HttpPath, ImageRef, ImageUser, Port, ReleaseNumber, Target, VariableName,
    app::Resources, desired::DesiredValue,
};

use crate::{
    PATIENCE,
    http::{self, Answer},
};

/// Where the behaviours are shown: an engine, and the way in to what it runs.
#[async_trait]
pub trait World: Sync {
    /// The engine.
    fn engine(&self) -> &dyn Engine;
    /// Where requests go that name a host.
    fn entrance(&self) -> SocketAddr;
    /// The engine's own deadline for a roll-out without progress. What is reported before it was not waited for.
    fn deadline(&self) -> Duration;
    /// The test app's image.
    async fn image(&self) -> Result<ImageRef>;
    /// Behaviours that cannot be shown here. It should be a short list.
    fn cannot(&self) -> &[Impossible] {
        &[]
    }
    /// Has what runs of an app end, without waiting for it: its test failed. A world that ends with the test, and all that
    /// it has with it, need do nothing.
    fn abandon(&self, _target: &Target) {}
}

/// A behaviour that cannot be shown in a world.
#[derive(Debug)]
pub struct Impossible {
    /// The name of its function.
    pub behaviour: &'static str,
    /// Why not.
    pub reason: &'static str,
    /// What its error says. With any other error it fails for another reason.
    pub error: &'static str,
}

/// An app in an environment, with the releases that a test makes of it.
pub struct Scene<'a> {
    world: &'a dyn World,
    /// The app and environment.
    pub target: Target,
    image: ImageRef,
    release: u32,
    good: BTreeMap<ApplingName, DesiredAppling>,
    has_ended: bool,
}

/// What a deploy did.
#[derive(Debug)]
pub struct Deployed {
    /// What was planned.
    pub plan: Plan,
    /// One an appling.
    pub outcomes: Vec<ApplingOutcome>,
    /// All that was told, with the time since the beginning.
    pub events: Vec<(Duration, Event)>,
    /// From observing to the last outcome.
    pub took: Duration,
}

impl<'a> Scene<'a> {
    /// An app of a name that no other test has.
    pub async fn new(world: &'a dyn World, name: &str) -> Result<Self> {
        Self::in_environment(world, name, Environment::Test).await
    }

    /// The same in an environment of choice.
    pub async fn in_environment(world: &'a dyn World, name: &str, environment: Environment) -> Result<Self> {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let app = AppName::parse(&format!("t-{name}-{}", &unique[..6]))?;
        Self::of(world, Target::new(app, environment)).await
    }

    /// A given app in a given environment.
    pub async fn of(world: &'a dyn World, target: Target) -> Result<Self> {
        let image = world.image().await?;
        Ok(Self { world, target, image, release: 0, good: BTreeMap::new(), has_ended: false })
    }

    /// An appling of the test app with one container and a route, to be changed as the test likes.
    pub fn appling(&self, name: &str) -> DesiredAppling {
        let name = ApplingName::parse(name).expect("tests use good names");
        let host = HostName::parse(&format!("{}.{}.test.example", name.dns(), self.target.app.dns()))
            .expect("tests use good names");
        DesiredAppling { routes: vec![host], ..appling(name.as_str(), 0, self.image.clone()) }
    }

    /// The next release of these applings, each at the release in which it took its form.
    pub fn release(&mut self, applings: &[DesiredAppling]) -> Desired {
        self.release += 1;
        let release = ReleaseNumber(self.release);
        let applings = applings.iter().map(|appling| {
            let same = self.good.get(&appling.name).filter(|good| good.same_as(appling));
            DesiredAppling { release: same.map_or(release, |good| good.release), ..appling.clone() }
        });
        Desired {
            target: self.target.clone(),
            release,
            commit: CommitId::parse(&format!("{:040x}", self.release)).expect("forty digits"),
            applings: applings.collect(),
            last_good: self.good.clone(),
        }
    }

    /// The plan of the next release of these applings, not applied yet.
    pub async fn plan(&mut self, applings: &[DesiredAppling]) -> Result<Plan> {
        let desired = self.release(applings);
        self.plan_of(&desired).await
    }

    async fn plan_of(&self, desired: &Desired) -> Result<Plan> {
        let observed = self.engine().observe(&self.target).await.context("observing")?;
        Ok(self.engine().plan(desired, &observed))
    }

    /// Deploys these applings and waits for their outcomes.
    pub async fn deploy(&mut self, applings: &[DesiredAppling]) -> Result<Deployed> {
        let desired = self.release(applings);
        let begun = Instant::now();
        let plan = self.plan_of(&desired).await?;
        let (events, mut told) = Events::channel();
        let listening = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(event) = told.recv().await {
                all.push((begun.elapsed(), event));
            }
            all
        });
        let outcomes = self.engine().apply(&plan, &events).await.context("applying")?;
        let took = begun.elapsed();
        drop(events);
        for (appling, outcome) in desired.applings.iter().zip(&outcomes) {
            if outcome.result != ApplingResult::Failed {
                self.good.insert(appling.name.clone(), appling.clone());
            }
        }
        self.good.retain(|name, _| desired.applings.iter().any(|appling| appling.name == *name));
        Ok(Deployed { plan, outcomes, events: listening.await?, took })
    }

    /// Deploys, and insists that everything is live.
    pub async fn deploy_well(&mut self, applings: &[DesiredAppling]) -> Result<Deployed> {
        let deployed = self.deploy(applings).await?;
        for outcome in &deployed.outcomes {
            if outcome.result == ApplingResult::Failed {
                bail!("{} failed: {:#?}", outcome.name, outcome.cause);
            }
        }
        Ok(deployed)
    }

    /// Asks an appling through its first route, once.
    pub async fn get(&self, appling: &DesiredAppling, path: &str) -> Result<Answer> {
        let host = appling.routes.first().context("the appling has no route")?;
        Ok(http::get(self.world.entrance(), host.as_str(), path).await?)
    }

    /// Has the process of an appling exit, once: a proxy may send a GET again where no answer came, and would end the next
    /// process as well; a POST it may not.
    pub async fn exit(&self, appling: &DesiredAppling, code: u8) -> Result<()> {
        let host = appling.routes.first().context("the appling has no route")?;
        let mut connection = http::Connection::open(self.world.entrance()).await?;
        let path = format!("/exit/{code}");
        // It dies before it answers.
        let _ = connection.upload(host.as_str(), &path, &[], Duration::ZERO).await;
        Ok(())
    }

    /// Asks until the answer is as wanted: what lies in between, such as a proxy that takes up a route, takes its time.
    pub async fn get_until(
        &self,
        appling: &DesiredAppling,
        path: &str,
        is_wanted: impl Fn(&Answer) -> bool,
    ) -> Result<Answer> {
        let mut last = None;
        let ask = async {
            loop {
                match self.get(appling, path).await {
                    Ok(answer) if is_wanted(&answer) => return answer,
                    answer => last = Some(answer),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, ask).await {
            Ok(answer) => Ok(answer),
            Err(_) => bail!("{path} did not answer as wanted in time; its last answer was {last:?}"),
        }
    }

    /// Waits until no more containers are there than this: what is on its way out is gone.
    pub async fn until_only(&self, count: usize) -> Result<()> {
        let gone = async {
            loop {
                let status = self.engine().status(&self.target).await?;
                if status.iter().map(|appling| appling.instances.len()).sum::<usize>() <= count {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.context("old containers stay")?
    }

    /// The log lines of all applings, from now on and back to their beginnings.
    pub async fn follow(&self) -> Result<Lines> {
        let query = LogQuery {
            target: self.target.clone(),
            appling: None,
            follow: true,
            previous: false,
            tail: None,
            since: None,
        };
        Ok(Lines(self.world.engine().logs(query).await?))
    }

    /// The way in.
    pub fn entrance(&self) -> SocketAddr {
        self.world.entrance()
    }

    /// The engine.
    pub fn engine(&self) -> &'a dyn Engine {
        self.world.engine()
    }

    /// Removes the app with all that it has.
    pub async fn end(mut self) -> Result<()> {
        self.engine().remove(&self.target).await?;
        self.has_ended = true;
        Ok(())
    }
}

impl Drop for Scene<'_> {
    /// Whatever a failed test left behind.
    fn drop(&mut self) {
        if !self.has_ended {
            self.world.abandon(&self.target);
        }
    }
}

impl Deployed {
    /// The outcome of an appling.
    pub fn of(&self, appling: &str) -> &ApplingOutcome {
        self.outcomes
            .iter()
            .find(|outcome| outcome.name.as_str() == appling)
            .expect("an outcome for each appling")
    }

    /// The cause for which an appling failed; insists on its code.
    pub fn cause(&self, appling: &str, code: CauseCode) -> Result<&hops_model::Cause> {
        match &self.of(appling).cause {
            Some(cause) if cause.code == code => Ok(cause),
            other => bail!("expected {code}, got {other:#?}"),
        }
    }
}

/// Log lines as they come.
pub struct Lines(LogStream);

impl Lines {
    /// The next line that is as wanted.
    pub async fn until(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<String> {
        let mut said = Vec::new();
        let listen = async {
            while let Some(line) = self.0.next().await {
                let text = line?.text;
                if is_wanted(&text) {
                    return Ok(text);
                }
                said.push(text);
            }
            bail!("the lines ended")
        };
        let heard = tokio::time::timeout(PATIENCE, listen).await.context("it does not come");
        heard.and_then(|heard| heard).with_context(|| format!("waiting for a log line after {said:?}"))
    }
}

/// Applies a plan. What is told ends with it, so that nobody waits for more than that.
pub async fn apply(
    engine: &dyn Engine,
    plan: &Plan,
    events: Events,
) -> Result<Vec<ApplingOutcome>, EngineError> {
    let outcomes = engine.apply(plan, &events).await;
    drop(events);
    outcomes
}

/// An appling with nothing but defaults, one container and no route.
pub fn appling(name: &str, release: u32, image: ImageRef) -> DesiredAppling {
    let name = ApplingName::parse(name).expect("tests use good names");
    DesiredAppling {
        service: name.dns(),
        name,
        release: ReleaseNumber(release),
        image,
        user: ImageUser::Root,
        aliases: Vec::new(),
        port: Port::DEFAULT,
        readiness_path: HttpPath::default_readiness(),
        liveness_path: None,
        replicas: 1,
        init: true,
        variables: BTreeMap::new(),
        secret_mounts: Vec::new(),
        routes: Vec::new(),
        resources: Resources::default(),
        sidecars: Vec::new(),
    }
}

/// Sets a variable of an appling.
pub fn set(appling: &mut DesiredAppling, name: &str, value: &str) {
    let name = VariableName::parse(name).expect("tests use good names");
    appling.variables.insert(name, DesiredValue::Literal(value.to_owned()));
}

/// The same appling with a variable set.
pub fn with(appling: &DesiredAppling, name: &str, value: &str) -> DesiredAppling {
    let mut appling = appling.clone();
    set(&mut appling, name, value);
    appling
}
