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
