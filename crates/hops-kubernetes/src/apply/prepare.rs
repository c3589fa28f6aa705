//! Before anything changes: is what a plan would create free to be created.

use futures::future;
use hops_engine::{Action, EngineError, Plan, Step};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};

use super::as_value;
use crate::{error::Cluster, kinds::Kind, labels, plan::is_ours, remove};

/// Waits for a removal that is not over, and refuses to take over what somebody else made.
///
/// Server-side apply itself would quietly make such an object ours. The plan cannot know: it has only seen what carries
/// our labels.
pub(super) async fn prepare(cluster: &Cluster, plan: &Plan) -> Result<(), EngineError> {
    let target = &plan.target;
    let namespace = target.namespace();
    let failed = |error| cluster.error(format!("read the namespace {namespace}"), error);
    let api: Api<Namespace> = Api::all(cluster.client.clone());
    let Some(there) = api.get_opt(&namespace).await.map_err(failed)? else { return Ok(()) };
    if there.metadata.deletion_timestamp.is_some() {
        let uid = there.metadata.uid.unwrap_or_default();
        return remove::until_gone(api, &namespace, &uid).await;
    }
    // Looked at in any case, and first: the names of two apps may differ only in `_` and `-`.
    if !is_ours(target, &as_value(&there)) && is_somebodys(&there) {
        return Err(EngineError::NotOurs { object: format!("Namespace {namespace}") });
    }
    let is_new = |step: &&Step| step.action == Action::Create && step.object.kind != Kind::Namespace.as_str();
    let checks = plan.steps.iter().filter(is_new).map(|step| {
        let (cluster, namespace) = (cluster, namespace.as_str());
        async move {
            let Some(kind) = Kind::parse(&step.object.kind) else { return Ok(()) };
            let there = kind.api(&cluster.client, namespace).get_opt(&step.object.name).await;
            match there.map_err(|error| cluster.error(format!("read the {}", step.object), error))? {
                Some(there) if !is_ours(target, &as_value(&there)) => {
                    Err(EngineError::NotOurs { object: format!("{} in {namespace}", step.object) })
                }
                _ => Ok(()),
            }
        }
    });
    future::try_join_all(checks).await.map(|_| ())
}

/// Whether somebody claims a namespace. One that nobody claims may be taken: it was made beforehand, for Secrets that
/// have to be there.
fn is_somebodys(namespace: &Namespace) -> bool {
    namespace.labels().keys().any(|name| name == labels::MANAGED_BY || name == labels::APP)
}
