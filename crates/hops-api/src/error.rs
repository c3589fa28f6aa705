//! Why a call of the client failed.

use hops_model::{Cause, CauseCode};
use thiserror::Error;

use crate::Problem;

/// A call that failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The server's address is not one.
    #[error("`{address}` is not the address of a server; write for example `http://127.0.0.1:8080`")]
    Address {
        /// As given.
        address: String,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// The server cannot be reached, or went away.
    #[error("cannot reach the HOPS server at {server}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What the connection says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server does not accept the token.
    #[error("the HOPS server at {server} does not accept the token")]
    Unauthorized {
        /// Its address.
        server: String,
    },
    /// The server says what is the matter.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// What answered is no HOPS server, or something is between it and us.
    #[error("{server} answered {status} in a way that no HOPS server does")]
    Foreign {
        /// Its address.
        server: String,
        /// The status.
        status: u16,
        /// The beginning of the answer, or where it points to.
        body: String,
    },
    /// The answer cannot be read; the server is probably of another version.
    #[error("cannot read the answer of the HOPS server at {server}")]
    Unreadable {
        /// Its address.
        server: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ClientError {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // A proxy in front of a server that is being started again.
            Self::Foreign { status, .. } => matches!(status, 502..=504),
            Self::Problem(problem) => problem.status == 503 && problem.cause.is_none(),
            Self::Address { .. } | Self::Setup(_) | Self::Unauthorized { .. } | Self::Unreadable { .. } => {
                false
            }
        }
    }
}

impl From<&ClientError> for Cause {
    fn from(error: &ClientError) -> Self {
        let (code, help) = match error {
            ClientError::Problem(problem) => match &problem.cause {
                Some(cause) => return cause.clone(),
                None if problem.status < 500 => (CauseCode::Refused, "change the request"),
                None => (CauseCode::Internal, "try again; if it stays, the server's log has more"),
            },
            ClientError::Address { .. } => (CauseCode::Refused, "write scheme, host and port"),
            ClientError::Unauthorized { .. } => (
                CauseCode::Refused,
                "use the token that the server wrote to the file `token` in its state directory at its first start",
            ),
            ClientError::Unreachable { .. } => {
                (CauseCode::Internal, "see whether the server runs, and whether this is its address")
            }
            ClientError::Foreign { .. } => {
                (CauseCode::Internal, "see whether this is the server's address, and what is in front of it")
            }
            ClientError::Setup(_) => {
                (CauseCode::Internal, "see whether this machine has certificate authorities")
            }
            ClientError::Unreadable { .. } => {
                (CauseCode::Internal, "use the same version of HOPS on both sides")
            }
        };
        let mut proof: Vec<String> =
            std::iter::successors(std::error::Error::source(error), |error| error.source())
                .map(ToString::to_string)
                .collect();
        if let ClientError::Foreign { body, .. } = error {
            proof.push(body.clone());
        }
        Self::new(code, error.to_string(), help).with_proof(proof.join("\n"))
    }
}
