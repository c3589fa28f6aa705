//! Removing an app from an environment.

use hops_engine::EngineError;
use hops_model::Target;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Error,
    api::DeleteParams,
    runtime::wait::{await_condition, conditions},
};

use crate::{error::{Cluster, ENGINE}, plan::is_ours};

/// Removes the namespace with all that is in it, and waits until it is gone.
pub(crate) async fn remove(cluster: &Cluster, target: &Target) -> Result<(), EngineError> {
    let name = target.namespace();
    let action = || format!("remove the namespace {name}");
    let api: Api<Namespace> = Api::all(cluster.client.clone());
    let Some(there) = api.get_opt(&name).await.map_err(|error| cluster.error(action(), error))? else {
        return Ok(());
    };
    let value = serde_json::to_value(&there).expect("objects of the Kubernetes API are plain data");
    if !is_ours(target, &value) {
        return Err(EngineError::NotOurs { object: format!("Namespace {name}") });
    }
    match api.delete(&name, &DeleteParams::default()).await {
        Ok(_) => {}
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(error) => return Err(cluster.error(action(), error)),
    }
    let uid = there.metadata.uid.unwrap_or_default();
    await_condition(api, &name, conditions::is_deleted(&uid)).await.map_err(|error| EngineError::Failed {
        engine: ENGINE,
        action: format!("watch the removal of the namespace {name}"),
        source: Box::new(error),
    })?;
    Ok(())
}
