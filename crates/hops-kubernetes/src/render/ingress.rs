//! The routes of a public appling (design.md 1, promise 7).

use hops_model::{DesiredAppling, HostName, Target};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, IngressTLS, ServiceBackendPort,
};

use super::{metadata, probe::PORT_NAME};
use crate::{Settings, Tls, labels};

pub(super) fn render(target: &Target, appling: &DesiredAppling, settings: &Settings) -> Ingress {
    let tls: Vec<IngressTLS> =
        appling.routes.iter().filter_map(|host| certificate(host, &settings.tls)).collect();
    let mut metadata = metadata(target, appling, &appling.name.dns());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.extend(settings.ingress_annotations.clone());
    let issued = appling.routes.iter().any(|host| !is_covered(host, &settings.tls));
    if let Some(issuer) = settings.tls.cluster_issuer.as_ref().filter(|_| issued) {
        annotations.extend(labels::map([("cert-manager.io/cluster-issuer", issuer)]));
    }
    if annotations.is_empty() {
        metadata.annotations = None;
    }
    Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: Some(settings.ingress_class.clone()),
            rules: Some(appling.routes.iter().map(|host| rule(host, &appling.service)).collect()),
            tls: (!tls.is_empty()).then_some(tls),
            ..IngressSpec::default()
        }),
        status: None,
    }
}

fn rule(host: &HostName, service: &str) -> IngressRule {
    IngressRule {
        host: Some(host.as_str().to_owned()),
        http: Some(HTTPIngressRuleValue {
            paths: vec![HTTPIngressPath {
                path: Some("/".to_owned()),
                path_type: "Prefix".to_owned(),
                backend: IngressBackend {
                    service: Some(IngressServiceBackend {
                        name: service.to_owned(),
                        port: Some(ServiceBackendPort { name: Some(PORT_NAME.to_owned()), number: None }),
                    }),
                    resource: None,
                },
            }],
        }),
    }
}

/// One entry, and so one certificate, for each host: a domain that does not point here yet must not keep the
/// others from getting theirs.
fn certificate(host: &HostName, tls: &Tls) -> Option<IngressTLS> {
    let hosts = Some(vec![host.as_str().to_owned()]);
    match &tls.wildcard {
        Some(wildcard) if is_covered(host, tls) => {
            Some(IngressTLS { hosts, secret_name: wildcard.secret.clone() })
        }
        _ => tls
            .cluster_issuer
            .as_ref()
            .map(|_| IngressTLS { hosts, secret_name: Some(format!("{host}-tls")) }),
    }
}

fn is_covered(host: &HostName, tls: &Tls) -> bool {
    tls.wildcard.as_ref().is_some_and(|wildcard| {
        host.as_str().split_once('.').is_some_and(|(_, parent)| parent == wildcard.domain)
    })
}
