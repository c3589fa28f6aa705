//! The node, and the proxy that makes Services work on it.

use serde_json::json;

use super::{
    Cluster, containerd,
    daemon::{Daemon, Network, Ready},
    network,
};

/// The name of the only real node.
pub(super) const NODE: &str = "hops";

const KUBELET_HEALTH: u16 = 10_248;
const PROXY_HEALTH: u16 = 10_256;

pub(super) fn kubelet(cluster: &Cluster) -> Daemon {
    let configuration = cluster.layout.configuration("kubelet.json");
    let node = cluster.slot.node();
    let root = cluster.layout.folder("kubelet");
    let settings = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.to_string(),
        "healthzBindAddress": node.to_string(),
        "healthzPort": KUBELET_HEALTH,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": cluster.layout.certificate("authority.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "containerRuntimeEndpoint": format!("unix://{}", containerd::socket(cluster).display()),
        "clusterDomain": "cluster.local",
        "clusterDNS": [cluster.slot.machine().to_string()],
        "podLogsDir": root.join("logs"),
        "volumePluginDir": root.join("volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", network::name(cluster.slot)),
        "failCgroupV1": false,
        "failSwapOn": false,
        // It looks for the device of its root folder, which a virtual machine's or a container's may hide.
        "localStorageCapacityIsolation": false,
        // A developer's disk is often nearly full.
        "evictionHard": { "memory.available": "100Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%", "imagefs.available": "1%" },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": 500,
        "serializeImagePulls": false,
        "registryPullQPS": 0,
    });
    Daemon {
        name: "kubelet",
        program: cluster.tools.program("kubelet").to_owned(),
        arguments: vec![
            format!("--config={}", configuration.display()),
            format!("--kubeconfig={}", cluster.layout.certificate("kubelet.kubeconfig").display()),
            format!("--root-dir={}", root.display()),
            format!("--cert-dir={}", root.join("pki").display()),
            format!("--hostname-override={NODE}"),
            format!("--node-ip={node}"),
        ],
        variables: Vec::new(),
        files: vec![(configuration, settings.to_string())],
        network: Network::Of(network::name(cluster.slot)),
        ready: Ready::Healthy((node, KUBELET_HEALTH).into(), "/healthz"),
    }
}

pub(super) fn proxy(cluster: &Cluster) -> Daemon {
    let configuration = cluster.layout.configuration("kube-proxy.json");
    let node = cluster.slot.node();
    let settings = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": NODE,
        "clientConnection": { "kubeconfig": cluster.layout.certificate("kube-proxy.kubeconfig") },
        "clusterCIDR": cluster.slot.pods(),
        "bindAddress": node.to_string(),
        "nodePortAddresses": [cluster.slot.link()],
        "healthzBindAddress": format!("{node}:{PROXY_HEALTH}"),
        "metricsBindAddress": "127.0.0.1:10249",
        // The machine's own limits are not a test cluster's to change.
        "conntrack": { "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s" },
    });
    Daemon {
        name: "kube-proxy",
        program: cluster.tools.program("kube-proxy").to_owned(),
        arguments: vec![format!("--config={}", configuration.display())],
        variables: Vec::new(),
        files: vec![(configuration, settings.to_string())],
        network: Network::Of(network::name(cluster.slot)),
        ready: Ready::Healthy((node, PROXY_HEALTH).into(), "/livez"),
    }
}
