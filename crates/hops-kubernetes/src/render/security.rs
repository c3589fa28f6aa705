//! What containers may do: the Pod Security profile `baseline` for images of root's, `restricted` for all others.

use hops_model::{DesiredAppling, ImageUser};
use k8s_openapi::api::core::v1::{Capabilities, PodSecurityContext, SeccompProfile, SecurityContext, Sysctl};

/// Capabilities that images commonly need: to give up root, to own and read files of other users, to listen on a low
/// port, to signal their children. All are allowed by the Pod Security profile `baseline`.
const ROOT: [&str; 8] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

/// No capability is ever in effect for other users, as nothing may gain privileges. But programs that carry one as a
/// file capability, as web servers do for low ports, cannot even be started where the container lacks it ("operation
/// not permitted"). This one is the one that `restricted` allows.
const OTHERS: [&str; 1] = ["NET_BIND_SERVICE"];

/// Ports below are root's, unless the network namespace says otherwise.
const FIRST_FREE_PORT: u16 = 1024;

/// For an appling's pod.
pub(super) fn pod(appling: &DesiredAppling) -> PodSecurityContext {
    // Some container runtimes set it for every pod, others do not. Kubernetes counts it among the safe ones.
    let low_ports =
        || vec![Sysctl { name: "net.ipv4.ip_unprivileged_port_start".to_owned(), value: "0".to_owned() }];
    let needs_low_ports = !appling.user.is_root() && appling.port.number() < FIRST_FREE_PORT;
    PodSecurityContext {
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        sysctls: needs_low_ports.then(low_ports),
        ..PodSecurityContext::default()
    }
}

/// For a container whose image runs as `user`.
///
/// `runAsUser` is never set: the kubelet takes the image's by itself. But of a name it cannot tell that it is not
/// root's, and so refuses `runAsNonRoot` for images that have one.
pub(super) fn container(user: &ImageUser) -> SecurityContext {
    let capabilities: &[&str] = if user.is_root() { &ROOT } else { &OTHERS };
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: Some(capabilities.iter().map(|&name| name.to_owned()).collect()),
        }),
        run_as_non_root: matches!(user, ImageUser::Number(_)).then_some(true),
        ..SecurityContext::default()
    }
}
