//! The routes of a public appling once more, for a cluster whose way in is a Gateway.
//!
//! Beside the Ingress rather than instead of it, so that a platform can move from one to the other while both answer.

use hops_model::{DesiredAppling, HostName, Target};
use serde_json::{Value, json};

use super::metadata;
use crate::{Gateway, gateway::API_VERSION};

/// What is left out, the API server fills in: every path, and the kinds Gateway and Service.
pub(super) fn render(target: &Target, appling: &DesiredAppling, gateway: &Gateway) -> Value {
    let mut parent = json!({"name": gateway.name, "namespace": gateway.namespace});
    if let Some(section) = &gateway.section {
        parent["sectionName"] = json!(section);
    }
    let backend = json!({"name": appling.service, "port": appling.port.number()});
    json!({
        "apiVersion": API_VERSION,
        "kind": "HTTPRoute",
        "metadata": metadata(target, appling, &appling.name.dns()),
        "spec": {
            "parentRefs": [parent],
            "hostnames": appling.routes.iter().map(HostName::as_str).collect::<Vec<_>>(),
            "rules": [{"backendRefs": [backend]}],
        },
    })
}
