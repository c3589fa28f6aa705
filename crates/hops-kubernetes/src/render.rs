//! What is wanted, as Kubernetes objects. Pure: the same input gives the same objects.
//!
//! Everything of an appling depends on its own [`DesiredAppling`] alone, never on the release or commit of the
//! deploy, so that a deploy leaves an unchanged appling untouched.

mod deployment;
mod disruption;
mod gateway;
mod ingress;
mod namespace;
mod network;
mod pod;
mod probe;
mod security;
mod service;

use hops_engine::ObjectId;
use hops_model::{ApplingName, Desired, DesiredAppling, Target};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use crate::{Settings, kinds::Kind, labels};

/// An object as HOPS wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind and name.
    pub id: ObjectId,
    /// The appling it belongs to; none where it serves the whole app.
    pub appling: Option<ApplingName>,
    /// The object itself.
    pub body: Value,
}

/// The objects that put `desired` into effect, in the order in which they are applied.
pub fn render(desired: &Desired, settings: &Settings) -> Vec<Object> {
    let mut objects = vec![
        object(Kind::Namespace, None, &namespace::render(desired)),
        object(Kind::NetworkPolicy, None, &network::within_the_app(&desired.target)),
    ];
    for appling in &desired.applings {
        objects.extend(render_appling(&desired.target, appling, settings));
    }
    // Stable: the applings' own order stays within a kind.
    objects.sort_by_key(|object| Kind::parse(&object.id.kind));
    objects
}

/// The objects of one appling.
pub(crate) fn render_appling(target: &Target, appling: &DesiredAppling, settings: &Settings) -> Vec<Object> {
    let of = |kind, body: &dyn ErasedBody| object_of(kind, Some(&appling.name), body.value());
    let mut objects = vec![of(Kind::Deployment, &deployment::render(target, appling, settings))];
    objects.extend(service::render(target, appling).iter().map(|service| of(Kind::Service, service)));
    if appling.replicas > 1 {
        objects.push(of(Kind::PodDisruptionBudget, &disruption::render(target, appling)));
    }
    if !appling.routes.is_empty() {
        objects.push(of(Kind::NetworkPolicy, &network::from_the_ingress(target, appling, settings)));
        objects.push(of(Kind::Ingress, &ingress::render(target, appling, settings)));
        if let Some(gateway) = &settings.gateway {
            objects.push(of(Kind::HttpRoute, &gateway::render(target, appling, gateway)));
        }
    }
    objects
}

/// Metadata of an appling's object.
fn metadata(target: &Target, appling: &DesiredAppling, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(target.namespace()),
        labels: Some(labels::of_appling(target, appling)),
        annotations: labels::commit(appling),
        ..ObjectMeta::default()
    }
}

/// Bodies of different types behind one closure.
trait ErasedBody {
    fn value(&self) -> Value;
}

impl<T: Serialize> ErasedBody for T {
    fn value(&self) -> Value {
        serde_json::to_value(self).expect("objects of the Kubernetes API are plain data with text keys")
    }
}

fn object(kind: Kind, appling: Option<&ApplingName>, body: &impl Serialize) -> Object {
    object_of(kind, appling, body.value())
}

fn object_of(kind: Kind, appling: Option<&ApplingName>, body: Value) -> Object {
    let name = body["metadata"]["name"].as_str().expect("every rendered object has a name").to_owned();
    Object { id: ObjectId { kind: kind.as_str().to_owned(), name }, appling: appling.cloned(), body }
}

#[cfg(test)]
pub(crate) mod tests;
