//! Addresses that a test has for itself.
//!
//! A port of 127.0.0.1 that the kernel picks is free only at that moment: another test's connection may leave from it in
//! the next one, and a server that is stopped and started again finds it taken sooner or later. All of 127.0.0.0/8 is this
//! machine, and connections to any of it leave from 127.0.0.1: on an address of its own every port is free and stays so.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};

/// An address of this machine that no other test has.
pub fn own() -> Result<Ipv4Addr> {
    let [a, b, c, _] = getrandom::u32().context("the system has no random numbers")?.to_be_bytes();
    Ok(Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254)))
}

/// The same with a port, for a server that is started and stopped as the test likes, or for none.
pub fn own_socket() -> Result<SocketAddr> {
    Ok(SocketAddr::from((own()?, 8080)))
}
