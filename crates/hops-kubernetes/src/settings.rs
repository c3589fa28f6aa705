//! What an operator decides about the cluster: a part of the server's configuration file.

mod address;

use std::time::Duration;

use hops_engine::{Deadlines, Scheme, seconds};
use serde::{Deserialize, Serialize};

pub use address::{Address, AddressError};

/// Kubernetes itself says when a deadline has passed; this long after that HOPS says so in its stead.
const AFTER_DEADLINE: Duration = Duration::from_secs(10);

/// How HOPS uses a cluster. Every field has a default that suits a cluster with an ingress controller of class
/// `nginx` and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The name under which HOPS owns fields (server-side apply). Two platforms on one cluster need two names.
    pub field_manager: String,
    /// The class of the Ingress objects.
    pub ingress_class: String,
    /// Where HOPS itself reaches the ingress controller by plain HTTP; an answer that leads to HTTPS will do. An appling
    /// with a new host is live once that host is routed there. Without it, the address is taken that the controller
    /// writes into the Ingress, if it does by then; else nothing is waited for.
    pub ingress_address: Option<Address>,
    /// Annotations for every Ingress, such as a body size limit of the controller in use.
    pub ingress_annotations: std::collections::BTreeMap<String, String>,
    /// Where public applings may be called from, for the NetworkPolicy. Empty allows everyone on the appling's port,
    /// which is right where the ingress controller uses the nodes' own network: no selector can name it there. What is
    /// private stays closed either way.
    pub ingress_sources: Vec<IngressSource>,
    /// A Gateway that public applings get an `HTTPRoute` for as well, besides their Ingress.
    pub gateway: Option<Gateway>,
    /// Certificates of public hosts.
    pub tls: Tls,
    /// `https`, or `http` for a cluster without certificates. Decides the URLs that are shown.
    pub public_scheme: Scheme,
    /// The port in the URLs that are shown, where it is not the scheme's own.
    pub public_port: Option<u16>,
    /// A Secret of type `kubernetes.io/dockerconfigjson`, present in every app's namespace, to pull images with.
    pub pull_secret: Option<String>,
    /// Seconds between the moment a pod is to stop and its SIGTERM. In that time every load balancer has to take
    /// notice; the app goes on answering. Traefik and kube-proxy each collect changes for up to 2 s.
    #[serde(rename = "drain_s", with = "seconds")]
    pub drain: Duration,
    /// Seconds without any progress after which a roll-out has failed. A slow start needs more.
    #[serde(rename = "progress_deadline_s", with = "seconds")]
    pub progress_deadline: Duration,
    /// Seconds after which a roll-out has failed whose containers run and look mistaken: they answer the readiness path
    /// with a client error (400 to 499), or listen on other ports only. Such an app has started, and its path or port is
    /// wrong. Nothing else counts before `progress_deadline_s`.
    #[serde(rename = "mistake_deadline_s", with = "seconds")]
    pub mistake_deadline: Duration,
    /// Seconds to wait for room where pods do not fit. Raise it where an autoscaler adds machines.
    #[serde(rename = "room_wait_s", with = "seconds")]
    pub room_wait: Duration,
}

/// Where public applings may be called from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngressSource {
    /// Pods of a namespace, such as `ingress-nginx`.
    Namespace(String),
    /// Addresses, such as those of the nodes.
    Cidr(String),
}

/// A Gateway of the Gateway API, made by whoever runs the cluster. It has to admit `HTTPRoute`s from the apps'
/// namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The one of its listeners that is meant; without it, all that admit the route.
    pub section: Option<String>,
}

/// Certificates of public hosts. A host that nothing here covers gets an Ingress without TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A cert-manager `ClusterIssuer` that makes a certificate for each host that `wildcard` does not cover.
    pub cluster_issuer: Option<String>,
    /// A certificate that exists already.
    pub wildcard: Option<Wildcard>,
}

/// A certificate for all names directly below a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wildcard {
    /// The domain, without `*.`. As in TLS itself, `a.b.example.com` is not covered by `example.com`.
    pub domain: String,
    /// The Secret in each app's namespace; without it the ingress controller's default certificate is meant.
    pub secret: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            field_manager: "hops".to_owned(),
            ingress_class: "nginx".to_owned(),
            ingress_address: None,
            ingress_annotations: std::collections::BTreeMap::new(),
            ingress_sources: Vec::new(),
            gateway: None,
            tls: Tls::default(),
            public_scheme: Scheme::Https,
            public_port: None,
            pull_secret: None,
            drain: Duration::from_secs(5),
            progress_deadline: Duration::from_mins(3),
            mistake_deadline: Duration::from_secs(30),
            room_wait: Duration::from_secs(1),
        }
    }
}

impl Settings {
    /// How long what may pass is waited for.
    pub(crate) fn deadlines(&self) -> Deadlines {
        let progress = self.progress_deadline + AFTER_DEADLINE;
        Deadlines { progress, mistake: self.mistake_deadline, room: self.room_wait }
    }

    /// The URL of a public host.
    pub fn url(&self, host: &str) -> String {
        self.public_scheme.url(host, self.public_port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_only_what_differs() {
        let settings: Settings = serde_json::from_value(serde_json::json!({
            "drain_s": 8,
            "ingress_sources": [{"namespace": "ingress-nginx"}],
            "tls": {"wildcard": {"domain": "example.com"}},
        }))
        .unwrap();
        assert_eq!(settings.drain, Duration::from_secs(8));
        assert_eq!(settings.ingress_class, "nginx");
        assert_eq!(settings.ingress_sources, [IngressSource::Namespace("ingress-nginx".into())]);
    }

    #[test]
    fn urls_carry_an_odd_port() {
        let settings =
            Settings { public_scheme: Scheme::Http, public_port: Some(8081), ..Settings::default() };
        assert_eq!(settings.url("web.example.com"), "http://web.example.com:8081");
        assert_eq!(Settings::default().url("web.example.com"), "https://web.example.com");
    }
}
