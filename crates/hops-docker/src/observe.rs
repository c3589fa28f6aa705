//! What is there of an app, as objects to plan against: what was decided last, and the network.

use hops_engine::{EngineError, Observed};
use hops_model::Target;

use crate::{
    plan::{network_of, object_of},
    site::Site,
};

/// Reads what was decided last. What Docker has may differ for a moment; keepers see to that, whatever is planned.
pub(crate) async fn observe(site: &Site, target: &Target) -> Result<Observed, EngineError> {
    let Some(record) = site.ledger.record(target).await? else { return Ok(Observed::default()) };
    let applings = record.applings.values().filter_map(|entry| entry.latest().map(object_of));
    Ok(Observed { objects: std::iter::once(network_of(target)).chain(applings).collect() })
}
