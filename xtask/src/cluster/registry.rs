//! The image registry, at one loopback address for all: who pushes, the builder, and the node.
//!
//! The node and the Docker engines have networks of their own and so loopbacks of their own; further servers of the same
//! files listen there.

use std::net::SocketAddr;

use serde_json::json;

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    network::Namespace,
    slot::Port,
};

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let address = cluster.slot.loopback(Port::Registry);
    server(cluster, "registry", address, address, Network::Machine, false)
}

/// The one that the node sees.
pub(super) fn daemon_of_node(cluster: &Cluster) -> Daemon {
    daemon_of(cluster, "registry-of-node", &Namespace::of_node(cluster.slot))
}

/// The one that is seen in a network namespace.
pub(super) fn daemon_of(cluster: &Cluster, name: &'static str, namespace: &Namespace) -> Daemon {
    let port = cluster.slot.port(Port::Registry);
    let everywhere = SocketAddr::from(([0, 0, 0, 0], port));
    let seen = SocketAddr::from((namespace.inside, port));
    server(cluster, name, everywhere, seen, Network::Of(namespace.name.clone()), true)
}

fn server(
    cluster: &Cluster,
    name: &'static str,
    listen: SocketAddr,
    seen: SocketAddr,
    network: Network,
    read_only: bool,
) -> Daemon {
    let configuration = cluster.layout.configuration(&format!("{name}.yaml"));
    let settings = json!({
        "version": 0.1,
        "log": { "level": "warn", "accesslog": { "disabled": true } },
        // No cache of what exists: two servers share the files.
        "storage": {
            "filesystem": { "rootdirectory": cluster.layout.folder("registry"), "maxthreads": 100 },
            "delete": { "enabled": true },
            "maintenance": { "readonly": { "enabled": read_only } },
        },
        "http": { "addr": listen.to_string() },
    });
    Daemon {
        name,
        program: "docker-registry".into(),
        arguments: vec!["serve".to_owned(), configuration.display().to_string()],
        variables: vec![("OTEL_TRACES_EXPORTER", "none".to_owned())],
        files: vec![(configuration, settings.to_string())],
        network,
        ready: Ready::Healthy(seen, "/v2/"),
    }
}
