//! What runs now.

use std::collections::BTreeMap;

use futures::future;
use hops_engine::EngineError;
use hops_model::{
    ApplingName, ApplingStatus, Cause, CauseCode, ImageRef, Instance, InstanceState, ReleaseNumber, Target,
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1::Deployment, core::v1::Pod, networking::v1::Ingress},
};
use kube::{Api, Resource, ResourceExt, api::ListParams};
use serde::de::DeserializeOwned;

use crate::{
    Settings,
    error::Cluster,
    labels,
    rollout::{self, PodView},
};

/// Reads every appling of an app.
pub(crate) async fn status(
    cluster: &Cluster,
    settings: &Settings,
    target: &Target,
) -> Result<Vec<ApplingStatus>, EngineError> {
    let (deployments, pods, ingresses) = future::try_join3(
        list::<Deployment>(cluster, target),
        list::<Pod>(cluster, target),
        list::<Ingress>(cluster, target),
    )
    .await?;
    let mut all: BTreeMap<ApplingName, ApplingStatus> = BTreeMap::new();
    for deployment in &deployments {
        let Some(name) = appling_of(deployment) else { continue };
        let Some(image) = image(deployment) else { continue };
        let its_pods = pods.iter().filter(|pod| appling_of(*pod).as_ref() == Some(&name));
        let mut instances: Vec<Instance> = its_pods.map(instance).collect();
        instances.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        let hosts = ingresses
            .iter()
            .filter(|ingress| appling_of(*ingress).as_ref() == Some(&name))
            .flat_map(|ingress| ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten()))
            .filter_map(|rule| rule.host.as_deref());
        let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
        let status = ApplingStatus {
            name: name.clone(),
            release: labels::release(deployment.labels()).unwrap_or(ReleaseNumber(0)),
            image,
            wanted: count(deployment.spec.as_ref().and_then(|spec| spec.replicas)),
            ready: count(deployment.status.as_ref().and_then(|status| status.ready_replicas)),
            urls: hosts.map(|host| settings.url(host)).collect(),
            instances,
        };
        all.insert(name, status);
    }
    Ok(all.into_values().collect())
}

fn instance(pod: &Pod) -> Instance {
    let view = PodView::from(pod);
    let crashes = view.containers.iter().any(|container| !container.is_running && container.exit.is_some());
    let runs = !view.containers.is_empty() && view.containers.iter().all(|container| container.is_running);
    let state = if view.is_leaving || view.is_over {
        InstanceState::Stopping
    } else if view.is_ready {
        InstanceState::Ready
    } else if crashes {
        InstanceState::Crashing
    } else if runs {
        InstanceState::NotReady
    } else {
        InstanceState::Starting
    };
    let cause = matches!(state, InstanceState::Crashing | InstanceState::NotReady | InstanceState::Starting)
        .then(|| {
            Cause::new(
                code(&view, state),
                rollout::describe(&view, None),
                "`hops logs` shows what it printed, and with `--previous` what its former process printed",
            )
        });
    Instance {
        name: pod.name_any(),
        release: labels::release(pod.labels()).unwrap_or(ReleaseNumber(0)),
        state,
        restarts: view.containers.iter().map(|container| container.restarts).sum(),
        created_at: pod
            .creation_timestamp()
            // kube carries an older jiff; the text form is the same.
            .and_then(|time| time.0.to_string().parse().ok()),
        cause,
    }
}

fn code(view: &PodView, state: InstanceState) -> CauseCode {
    let waits_for = |word: &str| {
        view.containers
            .iter()
            .any(|container| container.waiting.as_ref().is_some_and(|(reason, _)| reason.contains(word)))
    };
    if view.no_room.is_some() {
        CauseCode::DoesNotFit
    } else if waits_for("Image") {
        CauseCode::ImagePullFailed
    } else if waits_for("CreateContainer") || waits_for("RunContainer") {
        CauseCode::CannotStart
    } else if state == InstanceState::Crashing {
        CauseCode::Exited
    } else {
        CauseCode::ReadinessFailed
    }
}

fn image(deployment: &Deployment) -> Option<ImageRef> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let image = pod.containers.first()?.image.as_deref()?;
    // Somebody may have set one without a tag by hand.
    ImageRef::parse(image).or_else(|_| ImageRef::parse(&format!("{image}:latest"))).ok()
}

fn appling_of(object: &impl ResourceExt) -> Option<ApplingName> {
    ApplingName::parse(object.labels().get(labels::APPLING)?).ok()
}

async fn list<K>(cluster: &Cluster, target: &Target) -> Result<Vec<K>, EngineError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let namespace = target.namespace();
    let api: Api<K> = Api::namespaced(cluster.client.clone(), &namespace);
    let list = api.list(&ListParams::default().labels(&labels::query(&target.app))).await;
    list.map(|list| list.items)
        .map_err(|error| cluster.error(format!("read the {} in {namespace}", K::plural(&())), error))
}
