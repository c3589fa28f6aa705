//! Connecting to the daemon, with errors that say what to run.

use std::{io, sync::Arc, time::Duration};

use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker, errors::Error};
use thiserror::Error as ThisError;
use tokio::sync::Mutex;

use super::{Connection, Daemon, Machine};
use crate::{Settings, error};

/// Docker 20.10.
const OLDEST_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 41 };

/// Seconds for an answer's beginning. Stopping a container takes its grace period, creating one on a busy disk long.
const PATIENCE_S: u64 = 120;

/// How long the daemon may take to answer at all: one that systemd starts for whoever connects comes up meanwhile.
const GREETING: Duration = Duration::from_secs(30);

/// Why HOPS cannot use Docker.
#[derive(Debug, ThisError)]
pub enum ConnectError {
    /// There is no socket.
    #[error("Docker is not there: {path} does not exist")]
    NotThere {
        /// The socket.
        path: String,
    },
    /// There is a socket, and nobody listens.
    #[error("Docker does not run: nothing listens on {path}")]
    NotRunning {
        /// The socket.
        path: String,
    },
    /// The socket may not be opened.
    #[error("Docker's socket {path} may not be used by this user")]
    Denied {
        /// The socket.
        path: String,
    },
    /// The daemon's version is too old.
    #[error("Docker {version} is too old: it speaks API {api}, HOPS needs 1.41")]
    TooOld {
        /// The daemon's version.
        version: String,
        /// The newest API that it speaks.
        api: String,
    },
    /// The daemon's containers cannot be reached from where HOPS runs.
    #[error("HOPS cannot run apps on this Docker: {reason}")]
    Unfit {
        /// What is in the way.
        reason: &'static str,
    },
    /// An address that is no socket of this machine.
    #[error("`{address}` is no socket of this machine; HOPS has to run beside the daemon")]
    NotLocal {
        /// The address as given.
        address: String,
    },
    /// Anything else.
    #[error("Docker at {path} does not answer as it should")]
    Failed {
        /// The socket.
        path: String,
        /// What the client says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ConnectError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotThere { .. } => {
                "install Docker (`sudo apt install docker.io` on Debian and Ubuntu), or start it with `sudo systemctl start docker`"
            }
            Self::NotRunning { .. } => "start it with `sudo systemctl start docker`",
            Self::Denied { .. } => {
                "run `sudo usermod -aG docker \"$USER\"`, log out and in again; or run HOPS as root"
            }
            Self::TooOld { .. } => "install Docker 20.10 or newer",
            Self::Unfit { .. } => "use a Docker engine that runs as root on this machine, on Linux",
            Self::NotLocal { .. } => "give the path of its socket, such as `unix:///var/run/docker.sock`",
            Self::Failed { .. } => "see what `docker version` and `sudo journalctl -u docker` say",
        }
    }
}

impl Daemon {
    /// Connects, agrees on a version, and looks at the machine.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, ConnectError> {
        let path = settings.socket.as_str();
        let failed = |error: Error| failure(path, error);
        let client = open(path)?.map_err(failed)?;
        let greeting = async {
            let client = client.negotiate_version().await?;
            let info = client.info().await?;
            Ok((client, info))
        };
        let greeted = tokio::time::timeout(GREETING, greeting).await;
        let (client, info) = greeted.unwrap_or(Err(Error::RequestTimeoutError)).map_err(failed)?;
        if client.client_version() < OLDEST_API {
            let api = client.client_version().to_string();
            return Err(ConnectError::TooOld { version: info.server_version.unwrap_or_default(), api });
        }
        let is_rootless =
            info.security_options.iter().flatten().any(|option| option.contains("name=rootless"));
        let reason = if is_rootless {
            Some("it runs rootless, so that the addresses of its containers are hidden from this machine")
        } else if info.operating_system.as_deref() == Some("Docker Desktop") {
            Some("Docker Desktop keeps its containers in a virtual machine that hides their addresses")
        } else if info.os_type.as_deref().is_some_and(|system| system != "linux") {
            Some("its containers are not Linux containers")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(ConnectError::Unfit { reason });
        }
        Ok(Self(Arc::new(Connection {
            client,
            address: path.to_owned(),
            settings: settings.clone(),
            machine: Machine::read(info),
            networks: Mutex::new(()),
            images: Mutex::default(),
        })))
    }
}

/// Takes `unix:///path`, the path itself, or `tcp://host:port` of this machine.
fn open(address: &str) -> Result<Result<Docker, Error>, ConnectError> {
    let path = address.strip_prefix("unix://").unwrap_or(address);
    if path.starts_with('/') {
        return Ok(Docker::connect_with_unix(path, PATIENCE_S, API_DEFAULT_VERSION));
    }
    let host = path.strip_prefix("tcp://").and_then(|rest| rest.rsplit_once(':')).map(|(host, _)| host);
    match host {
        Some("localhost" | "127.0.0.1" | "[::1]") => {
            Ok(Docker::connect_with_http(path, PATIENCE_S, API_DEFAULT_VERSION))
        }
        _ => Err(ConnectError::NotLocal { address: address.to_owned() }),
    }
}

fn failure(path: &str, error: Error) -> ConnectError {
    let path = path.strip_prefix("unix://").unwrap_or(path).to_owned();
    if matches!(error, Error::SocketNotFoundError(_)) {
        return ConnectError::NotThere { path };
    }
    match error::io_kind(&error) {
        Some(io::ErrorKind::NotFound) => ConnectError::NotThere { path },
        Some(io::ErrorKind::PermissionDenied) => ConnectError::Denied { path },
        Some(io::ErrorKind::ConnectionRefused) => ConnectError::NotRunning { path },
        _ => ConnectError::Failed { path, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_may_not_be_opened_is_told_with_the_group_to_join() {
        let error = failure(
            "unix:///run/docker.sock",
            Error::IOError { err: io::ErrorKind::PermissionDenied.into() },
        );
        assert_eq!(error.to_string(), "Docker's socket /run/docker.sock may not be used by this user");
        assert!(error.help().starts_with("run `sudo usermod -aG docker"));
    }
}
