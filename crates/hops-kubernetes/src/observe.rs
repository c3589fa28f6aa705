//! Reading what HOPS made of an app.

use futures::future;
use hops_engine::{EngineError, Observed};
use hops_model::Target;
use kube::{Api, api::ListParams, core::DynamicObject};
use serde_json::Value;

use crate::{Settings, error::Cluster, gateway, kinds::Kind, labels};

/// The namespace, whoever made it, and everything in it that carries the app's labels.
pub(crate) async fn observe(
    cluster: &Cluster,
    settings: &Settings,
    target: &Target,
) -> Result<Observed, EngineError> {
    let namespace = target.namespace();
    let name = namespace.as_str();
    let of_app = ListParams::default().labels(&labels::query(&target.app));
    let (the_namespace, lists) = future::try_join(
        async {
            let api = Kind::Namespace.api(&cluster.client, name);
            api.get_opt(name)
                .await
                .map_err(|error| cluster.error(format!("read the namespace {name}"), error))
        },
        future::try_join_all(Kind::NAMESPACED.map(|kind| {
            let of_app = &of_app;
            async move {
                let api: Api<DynamicObject> = kind.api(&cluster.client, name);
                let action = || format!("read the {}s in {name}", kind.as_str());
                let items = match api.list(of_app).await {
                    Ok(list) => list.items,
                    Err(error) if kind.is_optional() => {
                        gateway::excuse(cluster, settings, action(), error)?;
                        Vec::new()
                    }
                    Err(error) => return Err(cluster.error(action(), error)),
                };
                Ok::<_, EngineError>(items.into_iter().map(move |object| value(kind, &object)))
            }
        })),
    )
    .await?;
    // What is being removed is as good as gone; applying waits for its end.
    if the_namespace.as_ref().is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_some()) {
        return Ok(Observed::default());
    }
    let mut objects: Vec<Value> = the_namespace.iter().map(|object| value(Kind::Namespace, object)).collect();
    objects.extend(lists.into_iter().flatten());
    Ok(Observed { objects })
}

/// An object as JSON. Items of a list come without their kind.
fn value(kind: Kind, object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).expect("objects of the Kubernetes API are plain data");
    value["kind"] = kind.as_str().into();
    value
}
