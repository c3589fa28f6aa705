//! The closed list of kinds that HOPS makes, and therefore observes, applies and prunes.

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{Namespace, Service},
        networking::v1::{Ingress, NetworkPolicy},
        policy::v1::PodDisruptionBudget,
    },
};
use kube::{Api, Client, Resource, api::ApiResource, core::DynamicObject};

use crate::gateway;

/// A kind that HOPS makes. The order is that in which objects are applied: what others rely on comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Namespace,
    NetworkPolicy,
    PodDisruptionBudget,
    Service,
    Deployment,
    Ingress,
    HttpRoute,
}

impl Kind {
    /// Every kind inside a namespace.
    pub(crate) const NAMESPACED: [Self; 6] = [
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::Service,
        Self::Deployment,
        Self::Ingress,
        Self::HttpRoute,
    ];

    /// The kind of a name, such as `Deployment`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Namespace].into_iter().chain(Self::NAMESPACED).find(|kind| kind.as_str() == name)
    }

    /// The kind's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Service => "Service",
            Self::Deployment => "Deployment",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
        }
    }

    /// The API of this kind, in a namespace where it lives in one.
    pub(crate) fn api(self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        match self {
            Self::Namespace => Api::all_with(client.clone(), &ApiResource::erase::<Namespace>(&())),
            Self::NetworkPolicy => namespaced::<NetworkPolicy>(client, namespace),
            Self::PodDisruptionBudget => namespaced::<PodDisruptionBudget>(client, namespace),
            Self::Service => namespaced::<Service>(client, namespace),
            Self::Deployment => namespaced::<Deployment>(client, namespace),
            Self::Ingress => namespaced::<Ingress>(client, namespace),
            Self::HttpRoute => Api::namespaced_with(client.clone(), namespace, &gateway::resource()),
        }
    }

    /// Whether a cluster may not know it, or not let HOPS see it: it is no part of Kubernetes itself, and needs a right
    /// that only who uses it has to give.
    pub(crate) fn is_optional(self) -> bool {
        self == Self::HttpRoute
    }
}

fn namespaced<K>(client: &Client, namespace: &str) -> Api<DynamicObject>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<K>(&()))
}
