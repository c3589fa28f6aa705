//! The image registry, at one loopback address for all: who pushes, the builder, and the node.
//!
//! The node has a network of its own and so a loopback of its own; a second server of the same files listens there.

use std::net::SocketAddr;

use serde_json::json;

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    network,
    slot::Port,
};

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let address = cluster.slot.loopback(Port::Registry);
    server(cluster, "registry", address, address, Network::Machine, false)
}

pub(super) fn daemon_of_node(cluster: &Cluster) -> Daemon {
    let port = cluster.slot.port(Port::Registry);
    let everywhere = SocketAddr::from(([0, 0, 0, 0], port));
    let seen = SocketAddr::from((cluster.slot.node(), port));
    server(cluster, "registry-of-node", everywhere, seen, Network::Node(network::name(cluster.slot)), true)
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
