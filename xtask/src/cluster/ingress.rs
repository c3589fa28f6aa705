//! The ingress controller for class `nginx`.
//!
//! Traefik by its plain Ingress provider. Its other one, which understands nginx' annotations, goes on sending requests
//! to pods that terminate; this one does not. Requests go to the pods themselves, as nginx does it, not to the Service.

use serde_json::{Value, json};

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    slot::Port,
};

/// The class that HOPS and most clusters use by default.
pub(super) const CLASS: &str = "nginx";

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let configuration = cluster.layout.configuration("traefik.yaml");
    let settings = json!({
        "global": { "checkNewVersion": false, "sendAnonymousUsage": false },
        "log": { "level": "WARN" },
        "ping": { "entryPoint": "ping" },
        "entryPoints": {
            "web": { "address": cluster.slot.loopback(Port::Ingress).to_string() },
            "websecure": { "address": cluster.slot.loopback(Port::IngressTls).to_string(), "http": { "tls": {} } },
            "ping": { "address": cluster.slot.loopback(Port::IngressPing).to_string() },
        },
        "providers": { "kubernetesIngress": {
            "ingressClass": CLASS,
            // A Service without a ready pod is answered by 503, as nginx does it, not by 404.
            "allowEmptyServices": true,
            "ingressEndpoint": { "ip": "127.0.0.1" },
        }},
    });
    Daemon {
        name: "traefik",
        program: cluster.tools.program("traefik").to_owned(),
        arguments: vec![format!("--configFile={}", configuration.display())],
        variables: vec![("KUBECONFIG", cluster.layout.kubeconfig().display().to_string())],
        files: vec![(configuration, settings.to_string())],
        network: Network::Machine,
        ready: Ready::Healthy(cluster.slot.loopback(Port::IngressPing), "/ping"),
    }
}

/// The class as an object of the cluster.
pub(super) fn class() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": { "name": CLASS },
        "spec": { "controller": "traefik.io/ingress-controller" },
    })
}
