//! The cluster's DNS. It runs in the machine's network, so that the machine's own resolver is in reach whatever it is.

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    slot::Port,
};

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let configuration = cluster.layout.configuration("Corefile");
    let settings = format!(
        "cluster.local:53 in-addr.arpa:53 {{
    bind {machine}
    errors
    health {health}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig} hops
        ttl 5
        fallthrough in-addr.arpa
    }}
    forward in-addr.arpa /etc/resolv.conf
}}
.:53 {{
    bind {machine}
    errors
    forward . /etc/resolv.conf
    cache 30
}}
",
        machine = cluster.slot.machine(),
        health = cluster.slot.loopback(Port::DnsHealth),
        kubeconfig = cluster.layout.kubeconfig().display(),
    );
    Daemon {
        name: "coredns",
        program: cluster.tools.program("coredns").to_owned(),
        arguments: vec![format!("-conf={}", configuration.display())],
        variables: Vec::new(),
        files: vec![(configuration, settings)],
        network: Network::Machine,
        ready: Ready::Healthy(cluster.slot.loopback(Port::DnsHealth), "/health"),
    }
}
