//! A cluster's share of this machine: a block of loopback ports and a range of addresses, picked once and kept.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use anyhow::{Context as _, Result};

/// What must never be asked of a proxy: this machine, and the networks of all slots.
pub(super) const NO_PROXY: &str =
    "localhost,127.0.0.0/8,10.160.0.0/11,10.192.0.0/11,100.64.0.0/10,.svc,.cluster.local";

/// Which of the shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u8);

/// What listens on a loopback port of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    EtcdClients,
    EtcdPeers,
    Registry,
    Ingress,
    IngressTls,
    IngressPing,
    ControllerManager,
    Scheduler,
    DnsHealth,
    Hops,
}

const PORTS: [Port; 10] = [
    Port::EtcdClients,
    Port::EtcdPeers,
    Port::Registry,
    Port::Ingress,
    Port::IngressTls,
    Port::IngressPing,
    Port::ControllerManager,
    Port::Scheduler,
    Port::DnsHealth,
    Port::Hops,
];

impl Slot {
    /// 10.160 to 10.223: seldom used by networks, Docker, or other clusters.
    const FIRST_OCTET: u8 = 160;
    /// 100.64 to 100.127, which no network of a company or home has: it is for carriers.
    const FIRST_DOCKER_OCTET: u8 = 64;
    const COUNT: u8 = 64;
    /// Below the range of ephemeral ports, so that no outgoing connection takes one.
    const FIRST_PORT: u16 = 23_000;
    const PORTS_EACH: u16 = 20;

    /// The first that no other cluster holds and nothing on this machine uses.
    pub(super) fn pick(held: &BTreeSet<Self>, routes: &str) -> Result<Self> {
        let mut slots = (0..Self::COUNT).map(Self);
        slots
            .find(|slot| !held.contains(slot) && !slot.overlaps(routes) && slot.ports_are_free())
            .context("no free block of ports and addresses on this machine\nhint: `cargo xtask cluster down --purge` in another checkout frees one")
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|number| *number < Self::COUNT).map(Self)
    }

    pub(super) fn number(self) -> u8 {
        self.0
    }

    /// A loopback address of the machine.
    pub(crate) fn loopback(self, port: Port) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port(port)))
    }

    pub(super) fn port(self, port: Port) -> u16 {
        Self::FIRST_PORT + u16::from(self.0) * Self::PORTS_EACH + port as u16
    }

    /// All addresses of the cluster, as a network.
    pub(super) fn network(self) -> String {
        format!("{}/16", self.address(0, 0))
    }

    /// Pods: sixteen nodes (made-up ones for load tests) of 2,046 addresses each.
    pub(super) fn pods(self) -> String {
        format!("{}/17", self.address(0, 0))
    }

    pub(super) fn services(self) -> String {
        format!("{}/18", self.address(128, 0))
    }

    /// The machine's end of the link to the node; the API server and DNS listen here.
    pub(super) fn machine(self) -> Ipv4Addr {
        self.address(192, 1)
    }

    /// The node's end.
    pub(super) fn node(self) -> Ipv4Addr {
        self.address(192, 2)
    }

    /// The network of the link.
    pub(super) fn link(self) -> String {
        format!("{}/24", self.address(192, 0))
    }

    /// Both ends of the link to a Docker engine: the machine's, and the engine's.
    pub(super) fn docker_link(self, engine: u8) -> (Ipv4Addr, Ipv4Addr) {
        (self.address(193 + engine, 1), self.address(193 + engine, 2))
    }

    /// The bridge of those containers of a Docker engine that join no network.
    pub(super) fn docker_bridge(self, engine: u8) -> String {
        format!("{}/24", self.address(200 + engine, 1))
    }

    /// The networks of a Docker engine. Not below [`Self::network`]: HOPS passes over what the machine has a route to.
    pub(super) fn docker_pool(self, engine: u8) -> String {
        format!("{}/17", self.docker_address(engine * 128))
    }

    fn docker_address(self, third: u8) -> Ipv4Addr {
        Ipv4Addr::new(100, Self::FIRST_DOCKER_OCTET + self.0, third, 0)
    }

    fn address(self, third: u8, fourth: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, Self::FIRST_OCTET + self.0, third, fourth)
    }

    fn ports_are_free(self) -> bool {
        PORTS.iter().all(|&port| TcpListener::bind(self.loopback(port)).is_ok())
    }

    /// Whether a route of the machine, as `ip route` prints them, leads into this slot's networks. A route to a range as
    /// large as a /8 is no conflict: it is a company's whole network, and ours is the more specific one.
    fn overlaps(self, routes: &str) -> bool {
        let ours = [self.address(0, 0), self.docker_address(0)].map(u32::from);
        routes.split_whitespace().filter_map(parse_network).any(|(address, bits)| {
            let shared = bits.min(16);
            bits > 8 && ours.iter().any(|ours| (address ^ ours) >> (32 - shared) == 0)
        })
    }
}

fn parse_network(word: &str) -> Option<(u32, u32)> {
    let (address, bits) = word.split_once('/').unwrap_or((word, "32"));
    Some((address.parse::<Ipv4Addr>().ok()?.into(), bits.parse().ok().filter(|bits| *bits <= 32)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{PORTS, Port, Slot};

    #[test]
    fn slots_share_no_port() {
        let all: BTreeSet<u16> =
            (0..Slot::COUNT).flat_map(|slot| PORTS.map(|port| Slot(slot).port(port))).collect();
        assert_eq!(all.len(), usize::from(Slot::COUNT) * PORTS.len());
        assert!(all.iter().all(|port| *port < 32_768));
    }

    #[test]
    fn a_held_slot_is_passed_over() {
        let held = BTreeSet::from([Slot(0), Slot(1)]);
        assert!(Slot::pick(&held, "").unwrap() > Slot(1));
    }

    #[test]
    fn a_busy_port_is_passed_over() {
        let slot = Slot::pick(&BTreeSet::new(), "").unwrap();
        let _listener = std::net::TcpListener::bind(slot.loopback(Port::Registry)).unwrap();
        assert_ne!(Slot::pick(&BTreeSet::new(), "").unwrap(), slot);
    }

    #[test]
    fn routes_into_the_network_overlap() {
        let check = |routes: &str, expected: bool| assert_eq!(Slot(0).overlaps(routes), expected, "{routes}");
        check("default via 192.0.2.1 dev eth0", false);
        check("10.161.0.0/16 dev br0", false);
        check("10.160.3.0/24 dev br0 src 10.160.3.1", true);
        check("10.160.3.1 dev veth0", true);
        check("10.128.0.0/9 dev vpn", true);
        check("10.0.0.0/8 dev vpn", false);
        check("100.64.0.0/10 dev vpn", true);
        check("100.65.0.0/16 dev vpn", false);
    }

    #[test]
    fn only_existing_slots_are_read_back() {
        assert_eq!(Slot::parse("7\n"), Some(Slot(7)));
        assert_eq!(Slot::parse("64"), None);
        assert_eq!(Slot::parse(""), None);
    }
}
