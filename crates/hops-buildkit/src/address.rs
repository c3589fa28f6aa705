//! Where a daemon listens, and what both sides prove to each other.

mod engine;

use std::{fmt, path::PathBuf};

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::secret::SecretValue;

/// Where a `buildkitd` listens, or the Docker engine that has one inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket on this machine.
    Unix(PathBuf),
    /// The socket of a Docker engine on this machine. Its builder keeps images in the engine's own store
    /// ([`Destination::Engine`](crate::Destination::Engine)).
    Docker(PathBuf),
    /// A host and port.
    Tcp {
        /// Name or IP address; an IPv6 address without brackets.
        host: String,
        /// From 1 to 65535.
        port: u16,
    },
}

/// What [`Address::parse`] cannot read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "BuildKit address `{0}` is none of `docker:///path/to/docker.sock`, `unix:///path/to/buildkitd.sock` and `tcp://host:port`"
)]
pub struct InvalidAddress(String);

/// Certificates for a daemon that listens with TLS, each as PEM text.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Who must have signed the daemon's certificate.
    pub ca: Vec<u8>,
    /// What this side shows, with its chain.
    pub certificate: Vec<u8>,
    /// The key of `certificate`.
    pub key: SecretValue,
    /// The name the daemon's certificate must carry; the host of the address when absent.
    pub server_name: Option<String>,
}

impl Address {
    /// Reads `unix:///path` or `tcp://host:port`, as `buildctl --addr` does, or `docker:///path`.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress(text.to_owned());
        for (scheme, of) in [("unix://", Self::Unix as fn(PathBuf) -> Self), ("docker://", Self::Docker)] {
            if let Some(path) = text.strip_prefix(scheme) {
                return if path.starts_with('/') { Ok(of(path.into())) } else { Err(invalid()) };
            }
        }
        let (host, port) =
            text.strip_prefix("tcp://").and_then(|rest| rest.rsplit_once(':')).ok_or_else(invalid)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().map_err(|_| invalid())?.to_string(),
            None => host.to_owned(),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if host.is_empty() || (bare.is_none() && !host.chars().all(is_name)) {
            return Err(invalid());
        }
        match port.parse() {
            Ok(port) if port != 0 => Ok(Self::Tcp { host, port }),
            _ => Err(invalid()),
        }
    }

    /// Opens one HTTP/2 connection.
    pub(crate) async fn connect(&self, tls: Option<&Tls>) -> Result<Channel, tonic::transport::Error> {
        let mut endpoint = Endpoint::from_shared(self.uri(tls.is_some()))?
            .connect_timeout(CONNECT_TIMEOUT)
            // HTTP/2 pings would be the obvious choice, but gRPC servers in Go hang up on a client that pings
            // more often than every five minutes; the kernel's probes find a vanished host just as well.
            .tcp_keepalive(Some(KEEPALIVE))
            .tcp_keepalive_interval(Some(KEEPALIVE))
            .tcp_keepalive_retries(Some(3))
            // A reader of progress that pauses must not starve the session that shares the connection.
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(8 * STREAM_WINDOW)
            .http2_max_header_list_size(HEADERS);
        if let Some(tls) = tls {
            let mut config = ClientTlsConfig::new()
                .ca_certificate(Certificate::from_pem(&tls.ca))
                .identity(Identity::from_pem(&tls.certificate, tls.key.expose()));
            if let Some(name) = &tls.server_name {
                config = config.domain_name(name);
            }
            endpoint = endpoint.tls_config(config)?;
        }
        match self {
            Self::Docker(socket) => endpoint.connect_with_connector(engine::connector(socket.clone())).await,
            Self::Unix(_) | Self::Tcp { .. } => endpoint.connect().await,
        }
    }

    fn uri(&self, tls: bool) -> String {
        let scheme = if tls { "https" } else { "http" };
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            // The name of the host in its headers, which the engine wants and does not look at.
            Self::Docker(_) => "http://docker".to_owned(),
            Self::Tcp { host, port } if host.contains(':') => format!("{scheme}://[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{scheme}://{host}:{port}"),
        }
    }
}

const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(10);
const STREAM_WINDOW: u32 = 1 << 20;
/// The details of a failure are headers at the end of the answer, and hold the whole Dockerfile, twice encoded;
/// the usual limit is 16 KiB.
const HEADERS: u32 = 16 << 20;

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Docker(path) => write!(f, "docker://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_written() {
        for text in [
            "unix:///run/buildkit/buildkitd.sock",
            "docker:///var/run/docker.sock",
            "tcp://builder:1234",
            "tcp://10.0.0.7:8372",
            "tcp://[::1]:1",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "unix://relative",
            "docker://docker.sock",
            "docker://",
            "tcp://host",
            "tcp://:1",
            "tcp://host:0",
            "tcp://host:70000",
            "tcp://[host]:1",
            "tcp://a/b:1",
            "tcp://a:b:1",
            "docker-container://x",
            "host:1",
        ] {
            assert_eq!(Address::parse(text), Err(InvalidAddress(text.to_owned())));
        }
    }
}
