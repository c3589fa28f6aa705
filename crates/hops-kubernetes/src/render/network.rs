//! Who may call an app: its own applings in the same environment, and the ingress where an appling is public.

use hops_model::{DesiredAppling, Target};
use k8s_openapi::{
    api::networking::v1::{
        IPBlock, NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};

use super::{metadata, probe::PORT_NAME};
use crate::{IngressSource, Settings, labels};

/// Closes the namespace to everyone but itself. Calls *from* the app stay free.
pub(super) fn within_the_app(target: &Target) -> NetworkPolicy {
    let everyone_here =
        NetworkPolicyPeer { pod_selector: Some(LabelSelector::default()), ..NetworkPolicyPeer::default() };
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some("within-the-app".to_owned()),
            namespace: Some(target.namespace()),
            labels: Some(labels::of_app(target)),
            ..ObjectMeta::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule { from: Some(vec![everyone_here]), ports: None }]),
            egress: None,
        }),
    }
}

/// Opens the port of a public appling.
pub(super) fn from_the_ingress(
    target: &Target,
    appling: &DesiredAppling,
    settings: &Settings,
) -> NetworkPolicy {
    let from: Vec<NetworkPolicyPeer> = settings.ingress_sources.iter().map(peer).collect();
    NetworkPolicy {
        metadata: metadata(target, appling, &format!("{}-from-the-ingress", appling.name.dns())),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(labels::selector(target, appling)),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: (!from.is_empty()).then_some(from),
                ports: Some(vec![NetworkPolicyPort {
                    port: Some(IntOrString::String(PORT_NAME.to_owned())),
                    protocol: Some("TCP".to_owned()),
                    end_port: None,
                }]),
            }]),
            egress: None,
        }),
    }
}

fn peer(source: &IngressSource) -> NetworkPolicyPeer {
    match source {
        IngressSource::Namespace(name) => NetworkPolicyPeer {
            namespace_selector: Some(LabelSelector {
                // Set by Kubernetes on every namespace.
                match_labels: Some(labels::map([("kubernetes.io/metadata.name", name)])),
                ..LabelSelector::default()
            }),
            ..NetworkPolicyPeer::default()
        },
        IngressSource::Cidr(cidr) => NetworkPolicyPeer {
            ip_block: Some(IPBlock { cidr: cidr.clone(), except: None }),
            ..NetworkPolicyPeer::default()
        },
    }
}
