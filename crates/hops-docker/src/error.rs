//! The client's errors, as the engine's.

use std::{error::Error as StdError, io};

use bollard::errors::Error;
use hops_engine::EngineError;
use hops_model::Cause;
use thiserror::Error;

/// The engine's name for people.
pub(crate) const ENGINE: &str = "docker";

/// Why a container was not created or started.
#[derive(Debug, Error)]
pub(crate) enum CreateError {
    /// It is the app's, or its author's, to mend.
    #[error("{0}")]
    Cause(Box<Cause>),
    /// It is the daemon's, or HOPS'.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<Cause> for CreateError {
    fn from(cause: Cause) -> Self {
        Self::Cause(Box::new(cause))
    }
}

/// Turns a client's error into the engine's; `action` completes "could not …".
pub(crate) fn engine_error(address: &str, action: impl Into<String>, error: Error) -> EngineError {
    let action = action.into();
    let unreachable =
        |source| EngineError::Unreachable { engine: ENGINE, address: address.to_owned(), source };
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let source = message.trim().into();
            match status_code {
                // A daemon that is going away, or a proxy before one that is not there.
                502..=504 => unreachable(source),
                401 | 403 if message.contains("authorization denied by plugin") => {
                    EngineError::Forbidden { engine: ENGINE, action, source }
                }
                _ => EngineError::Failed { engine: ENGINE, action, source },
            }
        }
        error if io_kind(&error) == Some(io::ErrorKind::PermissionDenied) => {
            EngineError::Forbidden { engine: ENGINE, action, source: Box::new(error) }
        }
        Error::HyperLegacyError { .. }
        | Error::HyperResponseError { .. }
        | Error::IOError { .. }
        | Error::SocketNotFoundError(_)
        | Error::RequestTimeoutError => unreachable(Box::new(error)),
        error => EngineError::Failed { engine: ENGINE, action, source: Box::new(error) },
    }
}

/// What the operating system said, where it was asked.
pub(crate) fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    // Its source is that of what it wraps, which is thus in no chain.
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// The daemon's status and words, where it answered.
pub(crate) fn answer(error: &Error) -> Option<(u16, &str)> {
    match error {
        Error::DockerResponseServerError { status_code, message } => Some((*status_code, message.trim())),
        _ => None,
    }
}

/// Whether what was asked for is not there.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(answer(error), Some((404, _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: Error) -> EngineError {
        engine_error("unix:///docker.sock", "list the containers", error)
    }

    fn io(kind: io::ErrorKind) -> Error {
        Error::IOError { err: kind.into() }
    }

    #[test]
    fn a_daemon_that_is_away_is_told_from_one_that_refuses() {
        let answered = |status_code, message: &str| {
            of(Error::DockerResponseServerError { status_code, message: message.to_owned() })
        };
        assert!(of(io(io::ErrorKind::ConnectionRefused)).is_transient());
        assert!(of(Error::RequestTimeoutError).is_transient());
        assert!(answered(503, "the daemon is shutting down").is_transient());
        assert!(matches!(of(io(io::ErrorKind::PermissionDenied)), EngineError::Forbidden { .. }));
        let refusal = "authorization denied by plugin guard: not today";
        assert!(matches!(answered(403, refusal), EngineError::Forbidden { .. }));
        let error = answered(500, "something went wrong\n");
        assert!(matches!(error, EngineError::Failed { .. }));
        assert_eq!(error.to_string(), "docker could not list the containers");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("something went wrong"));
    }
}
