//! The API server's store.

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    slot::Port,
};

pub(super) fn address(cluster: &Cluster) -> String {
    format!("http://{}", cluster.slot.loopback(Port::EtcdClients))
}

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let clients = address(cluster);
    let peers = format!("http://{}", cluster.slot.loopback(Port::EtcdPeers));
    Daemon {
        name: "etcd",
        program: cluster.tools.program("etcd").to_owned(),
        arguments: vec![
            "--name=hops".to_owned(),
            format!("--data-dir={}", cluster.layout.folder("etcd").display()),
            format!("--listen-client-urls={clients}"),
            format!("--advertise-client-urls={clients}"),
            format!("--listen-peer-urls={peers}"),
            format!("--initial-advertise-peer-urls={peers}"),
            format!("--initial-cluster=hops={peers}"),
            // What a power cut would lose is a test's.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ],
        variables: Vec::new(),
        files: Vec::new(),
        network: Network::Machine,
        ready: Ready::Healthy(cluster.slot.loopback(Port::EtcdClients), "/health"),
    }
}
