//! Network namespaces, each joined to the machine by one link: for the cluster's node, and for each Docker engine.
//!
//! kube-proxy, the pods' plugins and Docker write hundreds of firewall rules under fixed names. In a namespace of their
//! own they meet neither each other's nor those of a Docker engine that the machine already has, and go with it. On the
//! machine itself there is one link, one route, and the few rules below.

use std::{net::Ipv4Addr, path::Path, process::Command};

use anyhow::Result;

use super::slot::{Port, Slot};
use crate::program::{self, command};

/// A namespace, and how the machine reaches what is in it.
pub(super) struct Namespace {
    /// Of the namespace, of the machine's end of the link, and of the control group.
    pub(super) name: String,
    /// The machine's end of the link.
    machine: Ipv4Addr,
    /// The other end.
    pub(super) inside: Ipv4Addr,
    /// What is behind the link.
    routed: String,
    /// The table of the route to it, where that is not the machine's main one.
    table: Option<u32>,
    /// What leaves the machine under the machine's own address.
    hidden: String,
    /// Addresses inside that are answered for at once when nobody has them.
    unreachable: Option<String>,
    /// Rules of the namespace itself, each beginning with its table.
    inner_rules: &'static [&'static str],
}

/// Docker lets nobody reach a container of whom it does not know; its own place for exceptions is this chain, which it
/// leaves alone. To a proxy on the machine, Docker's containers are then as near as if there were no namespace.
const DOCKER_RULES: &[&str] =
    &["filter --new-chain DOCKER-USER", "filter --append DOCKER-USER -i eth0 -j ACCEPT"];

impl Namespace {
    /// The node's.
    pub(super) fn of_node(slot: Slot) -> Self {
        Self {
            name: name(slot),
            machine: slot.machine(),
            inside: slot.node(),
            routed: slot.network(),
            table: None,
            hidden: slot.network(),
            // A pod that is gone is answered for at once. Without this, what is sent to it leaves by the default route and
            // is lost, and its sender waits.
            unreachable: Some(slot.pods()),
            inner_rules: &[],
        }
    }

    /// A Docker engine's.
    pub(super) fn of_docker(slot: Slot, engine: &str, number: u8) -> Self {
        let (machine, inside) = slot.docker_link(number);
        Self {
            name: format!("{}-{engine}", name(slot)),
            machine,
            inside,
            routed: slot.docker_pool(number),
            // HOPS gives no app a network to which the machine has a route, and looks for these in the main table.
            table: Some(u32::from(slot.port(Port::Registry)) + u32::from(number)),
            // Docker hides its containers behind the inner end.
            hidden: format!("{inside}/32"),
            unreachable: Some(slot.docker_pool(number)),
            inner_rules: DOCKER_RULES,
        }
    }

    /// Makes what is missing.
    pub(super) fn up(&self) -> Result<()> {
        if self.is_up() {
            return Ok(());
        }
        // Half a network, of an interrupted start, is not worth repairing.
        self.down()?;
        let Self { name, machine, inside, routed, .. } = self;
        let ip = |words: String| program::output(command(["ip"]).args(words.split(' '))).map(drop);
        ip(format!("netns add {name}"))?;
        ip(format!("link add {name} type veth peer name eth0 netns {name}"))?;
        ip(format!("addr add {machine}/24 dev {name}"))?;
        ip(format!("link set {name} up"))?;
        ip(format!("-n {name} link set lo up"))?;
        ip(format!("-n {name} addr add {inside}/24 dev eth0"))?;
        ip(format!("-n {name} link set eth0 up"))?;
        ip(format!("-n {name} route add default via {machine}"))?;
        if let Some(network) = &self.unreachable {
            ip(format!("-n {name} route add unreachable {network}"))?;
        }
        match self.table {
            None => ip(format!("route add {routed} via {inside}"))?,
            Some(table) => {
                ip(format!("route add {routed} via {inside} table {table}"))?;
                ip(format!("rule add to {routed} lookup {table}"))?;
            }
        }
        // Stays on at `down`: it is unknown who else has come to need it.
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
        program::output(self.command("sysctl").args(["-qw", "net.ipv4.ip_forward=1"]))?;
        for rule in self.inner_rules {
            program::output(self.command("iptables").args(["--wait", "--table"]).args(rule.split(' ')))?;
        }
        for rule in self.rules() {
            iptables(&rule, "--insert")?;
        }
        Ok(())
    }

    /// Removes all of it; what is not there is no mistake.
    pub(super) fn down(&self) -> Result<()> {
        for rule in self.rules() {
            while iptables(&rule, "--check").is_ok() {
                iptables(&rule, "--delete")?;
            }
        }
        if let Some(table) = self.table {
            let (routed, table) = (&self.routed, table.to_string());
            while program::succeeds(&mut command(["ip", "rule", "delete", "to", routed, "lookup", &table])) {}
        }
        // The link goes first, its routes with it: the namespace lives on while anything holds it, the link must not.
        if Path::new("/sys/class/net").join(&self.name).exists() {
            program::output(&mut command(["ip", "link", "delete", &self.name]))?;
        }
        if Path::new("/run/netns").join(&self.name).exists() {
            program::output(&mut command(["ip", "netns", "delete", &self.name]))?;
        }
        Ok(())
    }

    /// Whether all of it is there; the last thing made stands for the rest.
    fn is_up(&self) -> bool {
        Path::new("/run/netns").join(&self.name).exists()
            && self.rules().iter().all(|rule| iptables(rule, "--check").is_ok())
    }

    /// Rules of the machine for the link: what is inside reaches the machine's own services, and through it the world.
    fn rules(&self) -> [Vec<String>; 4] {
        let (link, hidden) = (&self.name, &self.hidden);
        let rule = |words: &str| {
            let words = format!("{words} -m comment --comment {link}");
            words.split(' ').map(str::to_owned).collect::<Vec<_>>()
        };
        [
            rule(&format!("filter INPUT -i {link} -j ACCEPT")),
            rule(&format!("filter FORWARD -i {link} -j ACCEPT")),
            rule(&format!("filter FORWARD -o {link} -j ACCEPT")),
            rule(&format!("nat POSTROUTING -s {hidden} ! -o {link} -j MASQUERADE")),
        ]
    }

    fn command(&self, program: &str) -> Command {
        command(["nsenter", &format!("--net=/run/netns/{}", self.name), program])
    }
}

/// The name of the node's namespace, its link, and its control group.
pub(super) fn name(slot: Slot) -> String {
    format!("hops-{}", slot.number())
}

fn iptables(rule: &[String], action: &str) -> Result<()> {
    let (table, rest) = rule.split_first().expect("a rule begins with its table");
    program::output(command(["iptables", "--wait", "--table", table, action]).args(rest)).map(drop)
}
