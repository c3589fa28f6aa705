//! Removing an app from an environment.

use std::{collections::BTreeSet, pin::pin};

use futures::StreamExt;
use hops_engine::EngineError;
use hops_model::Target;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{
    Api, Error, ResourceExt,
    api::{DeleteParams, ListParams},
    runtime::{
        WatchStreamExt,
        wait::{await_condition, conditions},
        watcher::{self, Event, watcher},
    },
};

use crate::{
    error::{Cluster, ENGINE},
    kinds::Kind,
    labels,
    plan::is_ours,
};

/// Removes the namespace with all that is in it, and waits until it is gone.
///
/// Routes go first, then containers, then the namespace: Kubernetes itself, told to remove a namespace, looks only every
/// half grace period whether its pods have ended.
pub(crate) async fn remove(cluster: &Cluster, target: &Target) -> Result<(), EngineError> {
    let name = target.namespace();
    let failed = |error| cluster.error(format!("remove the namespace {name}"), error);
    let api: Api<Namespace> = Api::all(cluster.client.clone());
    let Some(there) = api.get_opt(&name).await.map_err(failed)? else { return Ok(()) };
    let value = serde_json::to_value(&there).expect("objects of the Kubernetes API are plain data");
    if !is_ours(target, &value) {
        return Err(EngineError::NotOurs { object: format!("Namespace {name}") });
    }
    let of_app = ListParams::default().labels(&labels::query(&target.app));
    for kind in [Kind::HttpRoute, Kind::Ingress, Kind::Deployment] {
        let all = kind.api(&cluster.client, &name);
        match all.delete_collection(&DeleteParams::background(), &of_app).await {
            // It goes with the namespace in any case.
            Err(Error::Api(status)) if kind.is_optional() && matches!(status.code, 403 | 404) => {}
            result => drop(result.map_err(failed)?),
        }
    }
    until_no_pod_is_left(cluster, target, &name).await?;
    match api.delete(&name, &DeleteParams::default()).await {
        Ok(_) => {}
        // Somebody else was faster, or it is on its way out already.
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(error) => return Err(failed(error)),
    }
    until_gone(api, &name, &there.metadata.uid.unwrap_or_default()).await
}

/// Waits until a namespace that is being removed is no more.
pub(crate) async fn until_gone(api: Api<Namespace>, name: &str, uid: &str) -> Result<(), EngineError> {
    match await_condition(api, name, conditions::is_deleted(uid)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(EngineError::Failed {
            engine: ENGINE,
            action: format!("watch the removal of the namespace {name}"),
            source: Box::new(error),
        }),
    }
}

async fn until_no_pod_is_left(
    cluster: &Cluster,
    target: &Target,
    namespace: &str,
) -> Result<(), EngineError> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let of_app = watcher::Config::default().labels(&labels::query(&target.app));
    let mut events = pin!(watcher(pods, of_app).default_backoff());
    let mut left = BTreeSet::new();
    let mut is_listed = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => left.clear(),
            Ok(Event::InitApply(pod) | Event::Apply(pod)) => {
                left.insert(pod.uid());
            }
            Ok(Event::Delete(pod)) => {
                left.remove(&pod.uid());
            }
            Ok(Event::InitDone) => is_listed = true,
            Err(watcher::Error::InitialListFailed(error)) => {
                return Err(cluster.error(format!("read the pods in {namespace}"), error));
            }
            Err(error) => tracing::debug!(namespace, %error, "a watch failed and begins again"),
        }
        if is_listed && left.is_empty() {
            break;
        }
    }
    Ok(())
}
