//! The node's network: a namespace of its own, joined to the machine by one link.
//!
//! kube-proxy and the pods' plugins write hundreds of firewall rules under fixed names. In a namespace of their own they
//! meet neither Docker's nor another cluster's, and go with it. On the machine itself there is one link, one route, and
//! the few rules below.

use anyhow::Result;

use super::slot::Slot;
use crate::program::{self, command};

/// Rules of the machine for the link: pods reach the machine's DNS and API server, and through it the world.
fn rules(slot: Slot) -> [Vec<String>; 4] {
    let (link, network, comment) = (name(slot), slot.network(), name(slot));
    let rule = |words: &str| {
        let words = format!("{words} -m comment --comment {comment}");
        words.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    [
        rule(&format!("filter INPUT -i {link} -j ACCEPT")),
        rule(&format!("filter FORWARD -i {link} -j ACCEPT")),
        rule(&format!("filter FORWARD -o {link} -j ACCEPT")),
        rule(&format!("nat POSTROUTING -s {network} ! -o {link} -j MASQUERADE")),
    ]
}

/// The name of the namespace, of the machine's end of the link, and of the control group.
pub(super) fn name(slot: Slot) -> String {
    format!("hops-{}", slot.number())
}

/// Makes what is missing.
pub(super) fn up(slot: Slot) -> Result<()> {
    if is_up(slot) {
        return Ok(());
    }
    // Half a network, of an interrupted start, is not worth repairing.
    down(slot)?;
    let (name, machine, node) = (name(slot), slot.machine(), slot.node());
    let bits = slot.link().split('/').nth(1).unwrap_or("24").to_owned();
    let ip = |words: String| program::output(command(["ip"]).args(words.split(' '))).map(drop);
    ip(format!("netns add {name}"))?;
    ip(format!("link add {name} type veth peer name eth0 netns {name}"))?;
    ip(format!("addr add {machine}/{bits} dev {name}"))?;
    ip(format!("link set {name} up"))?;
    ip(format!("-n {name} link set lo up"))?;
    ip(format!("-n {name} addr add {node}/{bits} dev eth0"))?;
    ip(format!("-n {name} link set eth0 up"))?;
    ip(format!("-n {name} route add default via {machine}"))?;
    // A pod that is gone is answered for at once. Without this, what is sent to it leaves by the default route and is lost,
    // and its sender waits.
    ip(format!("-n {name} route add unreachable {}", slot.pods()))?;
    ip(format!("route add {} via {node}", slot.network()))?;
    // Stays on at `down`: it is unknown who else has come to need it.
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    let namespace = format!("--net=/run/netns/{name}");
    program::output(&mut command(["nsenter", &namespace, "sysctl", "-qw", "net.ipv4.ip_forward=1"]))?;
    for rule in rules(slot) {
        iptables(&rule, "--insert")?;
    }
    Ok(())
}

/// Whether all of it is there; the last thing made stands for the rest.
pub(super) fn is_up(slot: Slot) -> bool {
    std::path::Path::new("/run/netns").join(name(slot)).exists()
        && rules(slot).iter().all(|rule| iptables(rule, "--check").is_ok())
}

/// Removes all of it; what is not there is no mistake.
pub(super) fn down(slot: Slot) -> Result<()> {
    for rule in rules(slot) {
        while iptables(&rule, "--check").is_ok() {
            iptables(&rule, "--delete")?;
        }
    }
    let name = name(slot);
    // The link goes first: the namespace lives on while anything holds it, the link must not.
    if std::path::Path::new("/sys/class/net").join(&name).exists() {
        program::output(&mut command(["ip", "link", "delete", &name]))?;
    }
    if std::path::Path::new("/run/netns").join(&name).exists() {
        program::output(&mut command(["ip", "netns", "delete", &name]))?;
    }
    Ok(())
}

fn iptables(rule: &[String], action: &str) -> Result<()> {
    let (table, rest) = rule.split_first().expect("a rule begins with its table");
    program::output(command(["iptables", "--wait", "--table", table, action]).args(rest)).map(drop)
}
