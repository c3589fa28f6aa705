//! Runs the pods' containers, and joins pods to the node's network.

use std::path::PathBuf;

use serde_json::json;

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    network, pause,
};
use crate::packages::CNI_PLUGINS;

pub(super) fn socket(cluster: &Cluster) -> PathBuf {
    cluster.layout.run("containerd.sock")
}

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let configuration = cluster.layout.configuration("containerd.toml");
    let plugins = cluster.layout.configuration("cni").join("10-hops.conflist");
    Daemon {
        name: "containerd",
        program: "containerd".into(),
        arguments: vec![format!("--config={}", configuration.display())],
        variables: Vec::new(),
        files: vec![(configuration, settings(cluster)), (plugins, pod_network(cluster))],
        network: Network::Of(network::name(cluster.slot)),
        ready: Ready::AcceptsAt(socket(cluster)),
    }
}

fn settings(cluster: &Cluster) -> String {
    let path = |name: &str| cluster.layout.folder("containerd").join(name).display().to_string();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]

[grpc]
address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
# Where this machine lacks CAP_SYS_RESOURCE, runc cannot lower the score, and every pod would die at its start.
restrict_oom_score_adj = true
# So that removing what is mounted below our folder removes the pods' namespaces.
netns_mounts_under_state_dir = true
max_concurrent_downloads = 10

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{plugins}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
Root = "{runc}"
"#,
        root = path("root"),
        state = path("state"),
        runc = path("runc"),
        socket = socket(cluster).display(),
        pause = pause::reference(cluster),
        plugins = cluster.layout.configuration("cni").display(),
    )
}

/// Each pod hangs on a link of its own and the node routes between them. A bridge would carry an answer from pod to pod
/// past the node's address translation, and Services would not work unless the kernel filters bridged traffic too.
fn pod_network(cluster: &Cluster) -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": network::name(cluster.slot),
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": false,
                "ipam": {
                    "type": "host-local",
                    // The first of the node's shares; there is one real node.
                    "ranges": [[{ "subnet": cluster.slot.pods().replace("/17", "/21") }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                    "dataDir": cluster.layout.folder("network"),
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    })
    .to_string()
}
