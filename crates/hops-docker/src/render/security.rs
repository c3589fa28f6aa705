//! What containers may do: the same as pods on Kubernetes.

use hops_model::ImageUser;

/// Capabilities that images commonly need: to give up root, to own and read files of other users, to listen on a low
/// port, to signal their children.
const ROOT: [&str; 8] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

/// No capability is ever in effect for other users, as nothing may gain privileges. But programs that carry one as a
/// file capability, as web servers do for low ports, cannot even be started where the container lacks it. Without it,
/// low ports are free to everybody: Docker sets `net.ipv4.ip_unprivileged_port_start` to 0.
const OTHERS: [&str; 1] = ["NET_BIND_SERVICE"];

/// The capabilities of a container whose image runs as `user`.
pub(super) fn capabilities(user: &ImageUser) -> Vec<String> {
    let capabilities: &[&str] = if user.is_root() { &ROOT } else { &OTHERS };
    capabilities.iter().map(|&name| name.to_owned()).collect()
}
