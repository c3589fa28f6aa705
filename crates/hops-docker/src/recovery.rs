//! Finding again what runs: the ledger says what is wanted, labels say what there is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future;
use hops_engine::EngineError;
use hops_model::{ApplingName, Target};

use crate::{daemon::Instance, keeper::Keeper, ledger::Record, site::Site};

/// How long containers are waited for that do not say whether they take requests.
const PATIENCE: Duration = Duration::from_secs(3);

/// Begins a keeper for every appling, and waits until each container was asked once.
pub(crate) async fn recover(
    site: &Arc<Site>,
) -> Result<BTreeMap<Target, BTreeMap<ApplingName, Arc<Keeper>>>, EngineError> {
    for (target, error) in site.ledger.broken() {
        tracing::error!(%target, %error, "an app's record cannot be read; it has no routes, its containers are left alone");
    }
    let mut found: BTreeMap<Target, Vec<Instance>> = BTreeMap::new();
    for instance in site.daemon.instances(None).await? {
        found.entry(instance.target.clone()).or_default().push(instance);
    }
    let mut keepers = BTreeMap::new();
    for record in site.ledger.all().await {
        let instances = found.remove(&record.target).unwrap_or_default();
        keepers.insert(record.target.clone(), keep(site, record, &instances));
    }
    for target in found.keys().filter(|target| !site.ledger.broken().contains_key(target)) {
        tracing::warn!(%target, "containers run of an app that HOPS has no record of; deploy or remove it");
    }
    let settled = keepers.values().flat_map(BTreeMap::values).map(|keeper| keeper.settled());
    if tokio::time::timeout(PATIENCE, future::join_all(settled)).await.is_err() {
        tracing::warn!("not every container has said yet whether it takes requests");
    }
    Ok(keepers)
}

fn keep(site: &Arc<Site>, record: Record, instances: &[Instance]) -> BTreeMap<ApplingName, Arc<Keeper>> {
    let mut applings = record.applings;
    // Of these nothing is wanted any more.
    for instance in instances {
        applings.entry(instance.appling.clone()).or_default();
    }
    // The oldest form first: of a host that moved, and whose former appling was to go, the latest to take it has it.
    let mut applings: Vec<_> = applings.into_iter().collect();
    applings.sort_by_key(|(_, entry)| entry.serving.as_ref().map(|serving| serving.form.release));
    let mut keepers = BTreeMap::new();
    for (name, entry) in applings {
        let found = instances.iter().filter(|instance| instance.appling == name).cloned().collect();
        let keeper = Keeper::begin(Arc::clone(site), record.target.clone(), name.clone(), entry, found);
        keepers.insert(name, Arc::new(keeper));
    }
    keepers
}
