//! The engine itself: the contract, met by the modules around.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use hops_engine::{Engine, EngineError, Events, LogQuery, LogStream, Observed, Plan};
use hops_model::{AppName, ApplingName, ApplingOutcome, ApplingStatus, Desired, ImageRef, ImageUser, Target};
use thiserror::Error;
use tokio::sync::Mutex;

use crate::{
    Settings, apply,
    daemon::{ConnectError, Daemon},
    error::ENGINE,
    keeper::Keeper,
    ledger::{Entry, LedgerError},
    observe,
    plan::plan,
    recovery, remove,
    site::Site,
};

/// Runs apps on one machine's Docker. Cheap to clone; keepers work as long as one clone is there, and containers go on
/// when none is.
#[derive(Clone)]
pub struct Docker(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) site: Arc<Site>,
    /// One an appling, from its first deploy until its app is removed.
    keepers: Mutex<BTreeMap<Target, BTreeMap<ApplingName, Arc<Keeper>>>>,
}

/// The engine cannot begin.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no way to Docker.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The directory of the ledger cannot be used.
    #[error("the engine's directory cannot be used")]
    Ledger(#[from] LedgerError),
    /// Docker answers, but not what runs.
    #[error("what runs cannot be found out")]
    Find(#[source] EngineError),
}

impl Docker {
    /// Connects to Docker, finds what runs again, and keeps it.
    ///
    /// `directory` is the engine's own; it holds the ledger and the named secrets. When this returns, `routes` has every
    /// route, and whoever takes requests gets them. What drifted while nobody looked is mended from then on, and told in
    /// the log. `drain` is how long requests may go on with containers that others took the place of.
    pub async fn start(
        settings: Settings,
        directory: &Path,
        routes: hops_proxy::Routes,
        drain: hops_proxy::DrainTimes,
    ) -> Result<Self, StartError> {
        let daemon = Daemon::connect(&settings).await?;
        let site = Arc::new(Site::open(daemon, settings, directory, routes, drain)?);
        let keepers = recovery::recover(&site).await.map_err(StartError::Find)?;
        Ok(Self(Arc::new(Inner { site, keepers: Mutex::new(keepers) })))
    }

    /// Whether Docker has an image. Then it stays as long as one that was made just now: a release may be about to name it.
    pub async fn keep_image(&self, image: &ImageRef) -> Result<bool, EngineError> {
        self.0.site.daemon.keep_image(image).await
    }

    /// Whom an image that Docker has runs as.
    pub async fn image_user(&self, image: &ImageRef) -> Result<ImageUser, EngineError> {
        self.0.site.daemon.image_user(image).await
    }

    /// The settings in use.
    pub fn settings(&self) -> &Settings {
        &self.0.site.settings
    }
}

impl Inner {
    /// The keeper of an appling, which begins with nothing where there is none.
    pub(crate) async fn keeper(
        &self,
        target: &Target,
        appling: &ApplingName,
    ) -> Result<Arc<Keeper>, EngineError> {
        let mut keepers = self.keepers.lock().await;
        let of_target = keepers.entry(target.clone()).or_default();
        if let Some(keeper) = of_target.get(appling) {
            return Ok(Arc::clone(keeper));
        }
        // Containers that the ledger lost are taken note of, and go once others serve.
        let found = self.site.daemon.instances(Some(target)).await?;
        let found = found.into_iter().filter(|instance| instance.appling == *appling).collect();
        let (site, target) = (Arc::clone(&self.site), target.clone());
        let keeper = Arc::new(Keeper::begin(site, target, appling.clone(), Entry::default(), found));
        of_target.insert(appling.clone(), Arc::clone(&keeper));
        Ok(keeper)
    }

    /// The keepers of a target.
    pub(crate) async fn keepers(&self, target: &Target) -> Vec<Arc<Keeper>> {
        self.keepers.lock().await.get(target).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Forgets the keepers of a target, which end with that.
    pub(crate) async fn forget(&self, target: &Target) {
        self.keepers.lock().await.remove(target);
    }

    /// Removes images of an app that no release needs which it may go back to. Nobody waits for it.
    pub(crate) fn prune(&self, app: &AppName) {
        let (site, app) = (Arc::clone(&self.site), app.clone());
        tokio::spawn(async move {
            let records = site.ledger.all().await;
            let entries = records
                .into_iter()
                .filter(|record| record.target.app == app)
                .flat_map(|record| record.applings.into_values());
            let keep: BTreeSet<ImageRef> = entries
                .flat_map(|entry| {
                    let held = entry.serving.into_iter().chain(entry.coming).map(|held| held.form.image);
                    entry.images.into_iter().chain(held).collect::<Vec<_>>()
                })
                .collect();
            match site.daemon.prune_images(&app, &keep).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(%app, count, "removed images that no release needs"),
                Err(error) => tracing::warn!(%app, %error, "images that no release needs cannot be removed"),
            }
        });
    }
}

#[async_trait]
impl Engine for Docker {
    fn name(&self) -> &'static str {
        ENGINE
    }

    async fn observe(&self, target: &Target) -> Result<Observed, EngineError> {
        observe::observe(&self.0.site, target).await
    }

    fn plan(&self, desired: &Desired, observed: &Observed) -> Plan {
        plan(desired, observed, &self.0.site.settings)
    }

    async fn apply(&self, plan: &Plan, events: &Events) -> Result<Vec<ApplingOutcome>, EngineError> {
        apply::apply(&self.0, plan, events).await
    }

    async fn status(&self, target: &Target) -> Result<Vec<ApplingStatus>, EngineError> {
        // A record that cannot be read is no empty one.
        self.0.site.ledger.record(target).await?;
        Ok(self.0.keepers(target).await.iter().filter_map(|keeper| keeper.status()).collect())
    }

    async fn logs(&self, query: LogQuery) -> Result<LogStream, EngineError> {
        self.0.site.daemon.logs(query).await
    }

    async fn remove(&self, target: &Target) -> Result<(), EngineError> {
        remove::remove(&self.0, target).await
    }
}
