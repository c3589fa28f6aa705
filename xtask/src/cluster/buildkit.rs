//! The builder. Its build steps use the machine's network.

use super::{
    Cluster,
    daemon::{Daemon, Network, Ready},
    network,
    slot::Port,
};

pub(super) fn address(cluster: &Cluster) -> String {
    format!("unix://{}", cluster.layout.run("buildkitd.sock").display())
}

pub(super) fn daemon(cluster: &Cluster) -> Daemon {
    let configuration = cluster.layout.configuration("buildkitd.toml");
    let parallel = std::thread::available_parallelism().map_or(4, |count| count.get() * 2);
    let settings = format!(
        r#"root = "{root}"

[grpc]
address = ["{address}"]

[worker.containerd]
enabled = false

[worker.oci]
enabled = true
max-parallelism = {parallel}
defaultCgroupParent = "/{group}/build"
gc = true

[[worker.oci.gcpolicy]]
all = true
reservedSpace = "2GB"
maxUsedSpace = "15GB"
minFreeSpace = "5GB"

[registry."{registry}"]
http = true

# A public name is looked for in the local registry first, so that images made by `cargo xtask images` are found.
[registry."docker.io"]
mirrors = ["{registry}"]
"#,
        root = cluster.layout.folder("buildkit").display(),
        address = address(cluster),
        group = network::name(cluster.slot),
        registry = cluster.slot.loopback(Port::Registry),
    );
    Daemon {
        name: "buildkitd",
        program: cluster.tools.program("buildkitd").to_owned(),
        arguments: vec![format!("--config={}", configuration.display())],
        variables: Vec::new(),
        files: vec![(configuration, settings)],
        network: Network::Machine,
        ready: Ready::AcceptsAt(cluster.layout.run("buildkitd.sock")),
    }
}
