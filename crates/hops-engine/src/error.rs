//! What can go wrong between HOPS and an engine, apart from an app's own failures.

use hops_model::{Cause, CauseCode};
use thiserror::Error;

/// An engine could not do what it was asked.
///
/// An app's own failure is no error but an outcome with a [`Cause`].
#[derive(Debug, Error)]
pub enum EngineError {
    /// The engine cannot be reached, or went away.
    #[error("cannot reach {engine} at {address}")]
    Unreachable {
        /// The engine's name.
        engine: &'static str,
        /// Where it was looked for.
        address: String,
        /// What the client says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine does not let HOPS do it.
    #[error("{engine} does not allow HOPS to {action}")]
    Forbidden {
        /// The engine's name.
        engine: &'static str,
        /// What was tried, such as `create namespaces`.
        action: String,
        /// The engine's words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Any other answer that HOPS has no way to go on from.
    #[error("{engine} could not {action}")]
    Failed {
        /// The engine's name.
        engine: &'static str,
        /// What was tried, such as `read the Deployments of apps-shop-prod`.
        action: String,
        /// The engine's words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What runs belongs to somebody else.
    #[error("{object} was not made by HOPS")]
    NotOurs {
        /// The object, as `Deployment web in apps-shop-prod`.
        object: String,
    },
    /// The configuration asks for something that the engine does not have.
    #[error("{engine} lacks {what}")]
    Lacking {
        /// The engine's name.
        engine: &'static str,
        /// What it lacks, and what asks for it.
        what: String,
        /// What to do.
        help: &'static str,
    },
}

impl EngineError {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

impl From<&EngineError> for Cause {
    fn from(error: &EngineError) -> Self {
        let help = match error {
            EngineError::Unreachable { .. } => {
                "see whether it runs, then deploy again; nothing that runs was changed since"
            }
            EngineError::Forbidden { .. } => "give the account that HOPS uses this right",
            EngineError::Failed { .. } => "deploy again; if it stays, the server's log has more",
            EngineError::Lacking { help, .. } => help,
            EngineError::NotOurs { .. } => "remove it, or label it as managed by HOPS, then deploy again",
        };
        let mut proof = Vec::new();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            proof.push(error.to_string());
            source = error.source();
        }
        let code = match error {
            EngineError::NotOurs { .. } => CauseCode::Refused,
            _ => CauseCode::EngineUnavailable,
        };
        Self::new(code, error.to_string(), help).with_proof(proof.join("\n"))
    }
}
