//! The Services of an appling: its own (design.md 1, promise 2), and its other names.

use hops_model::{DesiredAppling, Target};
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{metadata, probe::PORT_NAME};
use crate::labels;

/// An alias is a Service of its own rather than an `ExternalName`, which would be a second DNS lookup and is not
/// followed by every resolver.
pub(super) fn render(target: &Target, appling: &DesiredAppling) -> Vec<Service> {
    let names = [&appling.service].into_iter().chain(&appling.aliases);
    names.map(|name| service(target, appling, name)).collect()
}

fn service(target: &Target, appling: &DesiredAppling, name: &str) -> Service {
    Service {
        metadata: metadata(target, appling, name),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(target, appling)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: i32::from(appling.port.number()),
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
