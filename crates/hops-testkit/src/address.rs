//! Addresses that a test has for itself.
//!
//! A port of 127.0.0.1 that the kernel picks is free only at that moment: another test's connection may leave from it in
//! the next one, and a server that is stopped and started again finds it taken sooner or later. All of 127.0.0.0/8 is this
//! machine, and connections to any of it leave from 127.0.0.1: on an address of its own a port is taken by nobody but who
//! listens on all addresses at once, such as somebody's server on port 8080. A port at random is hardly ever one of theirs.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};

/// An address of this machine that no other test has.
pub fn own() -> Result<Ipv4Addr> {
    let [a, b, c, _] = random()?;
    Ok(Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254)))
}

/// The same with a port, for a server that is started and stopped as the test likes, or for none.
pub fn own_socket() -> Result<SocketAddr> {
    let [a, b, ..] = random()?;
    // Below the ports of the test clusters, which begin at 23,000, and those of outgoing connections.
    let port = 10_000 + u16::from_be_bytes([a, b]) % 13_000;
    Ok(SocketAddr::from((own()?, port)))
}

fn random() -> Result<[u8; 4]> {
    Ok(getrandom::u32().context("the system has no random numbers")?.to_be_bytes())
}
