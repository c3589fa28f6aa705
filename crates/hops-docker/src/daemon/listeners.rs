//! On which ports an instance listens, read from the kernel: HOPS runs on the daemon's machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Daemon, Instance};

/// A port that something listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Listener {
    pub(crate) port: u16,
    /// Whether only the container itself reaches it (`127.0.0.1`, `::1`): an app that is to be reached listens on
    /// `0.0.0.0`.
    pub(crate) is_loopback: bool,
}

/// Where Docker's own name server listens in every container.
const NAME_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// `TCP_LISTEN` of the kernel's `tcp_states.h`.
const LISTEN: &str = "0A";

impl Daemon {
    /// The ports that an instance listens on, in order; none where that cannot be seen.
    pub(crate) async fn listening_ports(&self, instance: &Instance) -> Vec<Listener> {
        // Its containers share their network, so any that runs will do.
        let Some(pid) = instance.containers.iter().rev().find_map(|container| container.pid) else {
            return Vec::new();
        };
        let mut found: Vec<Listener> = Vec::new();
        for table in ["tcp", "tcp6"] {
            match tokio::fs::read_to_string(format!("/proc/{pid}/net/{table}")).await {
                Ok(text) => found.extend(parse(&text)),
                Err(error) => tracing::debug!(%error, pid, table, "a container's sockets cannot be read"),
            }
        }
        // The open one of a port comes first, and counts.
        found.sort_unstable();
        found.dedup_by_key(|listener| listener.port);
        found
    }
}

/// Reads `/proc/net/tcp` or `tcp6`. Columns: number, local address, remote address, state, …
fn parse(table: &str) -> impl Iterator<Item = Listener> {
    table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let (address, port) = columns.nth(1)?.split_once(':')?;
        if columns.nth(1)? != LISTEN {
            return None;
        }
        let address = self::address(address)?;
        let port = u16::from_str_radix(port, 16).ok()?;
        (address != NAME_SERVER).then_some(Listener { port, is_loopback: address.is_loopback() })
    })
}

/// Hexadecimal words of 32 bits, each in the machine's own byte order.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = text.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
    };
    match text.len() {
        8 => word(0).map(|bytes| Ipv4Addr::from(bytes).into()),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            // `::ffff:127.0.0.1` is what it means.
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_from_the_kernels_tables() {
        let tcp =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:9C3F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:0BD6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   3: 0200D50A:0BD6 0100D50A:8A1C 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
";
        let tcp6 = "  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0
   1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 0
   2: 0000000000000000FFFF00000100007F:1F92 00000000000000000000000000000000:0000 0A 0
";
        let listener = |port, is_loopback| Listener { port, is_loopback };
        assert_eq!(parse(tcp).collect::<Vec<_>>(), [listener(3030, false), listener(3000, true)]);
        assert_eq!(
            parse(tcp6).collect::<Vec<_>>(),
            [listener(8080, false), listener(8081, true), listener(8082, true)]
        );
    }
}
