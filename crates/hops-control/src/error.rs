//! Why HOPS could not do what it was asked, apart from a deploy that ran and failed.

use hops_engine::EngineError;
use hops_model::{AppName, Cause, CauseCode, CommitId, DeployId, ReleaseNumber, Target};
use hops_store::StoreError;
use thiserror::Error;

/// A request that was not carried out. Nothing was changed.
#[derive(Debug, Error)]
pub enum ControlError {
    /// No app of that name was ever deployed here.
    #[error("there is no app `{0}`")]
    NoApp(AppName),
    /// No deploy of that number.
    #[error("there is no deploy {0}")]
    NoDeploy(DeployId),
    /// The app has no release in that environment.
    #[error("{0} has no release")]
    NoRelease(Target),
    /// No release of that number.
    #[error("{target} has no release {number}")]
    NoSuchRelease {
        /// The app and environment.
        target: Target,
        /// The number asked for.
        number: ReleaseNumber,
    },
    /// Nothing to go back to.
    #[error("{0} has no release before the present one that ran well")]
    NothingToRollBackTo(Target),
    /// The commit was never sent to this server.
    #[error("the server's copy of `{app}` has no commit {commit}")]
    NoCommit {
        /// The app.
        app: AppName,
        /// The commit asked for.
        commit: CommitId,
    },
    /// The deploy cannot be stopped any more.
    #[error("deploy {0} is past its build, or has ended, and cannot be cancelled")]
    TooLateToCancel(DeployId),
    /// The server ends; what it had begun it does at its next start.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The request cannot be put into effect as it is: wrong files, or what this platform cannot do yet.
    #[error("{0}")]
    Refused(Cause),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server's copy of the repository could not be used.
    #[error("cannot use the server's copy of `{app}`")]
    Repository {
        /// The app.
        app: AppName,
        /// What went wrong with it.
        #[source]
        source: hops_git::GitError,
    },
}

/// What a failure means to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What was asked for does not exist.
    NotFound,
    /// The request is at fault.
    User,
    /// The request clashes with something that is there.
    Conflict,
    /// Something that HOPS depends on is away.
    Unavailable,
    /// HOPS is at fault.
    Internal,
}

impl ControlError {
    /// Who is at fault.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoApp(_) | Self::NoDeploy(_) | Self::NoRelease(_) | Self::NoSuchRelease { .. } => {
                Fault::NotFound
            }
            Self::NoCommit { .. } | Self::Refused(_) => Fault::User,
            Self::NothingToRollBackTo(_)
            | Self::TooLateToCancel(_)
            | Self::Store(
                StoreError::HostTaken { .. }
                | StoreError::NameTaken { .. }
                | StoreError::Busy { .. }
                | StoreError::BeingRemoved(_),
            ) => Fault::Conflict,
            Self::Engine(_) | Self::ShuttingDown => Fault::Unavailable,
            Self::Store(_) | Self::Repository { .. } => Fault::Internal,
        }
    }
}

impl From<&ControlError> for Cause {
    fn from(error: &ControlError) -> Self {
        let (code, help) = match error {
            ControlError::Refused(cause) => return cause.clone(),
            ControlError::Engine(engine) => return engine.into(),
            ControlError::NoApp(_) => {
                (CauseCode::NotFound, "`hops apps` lists the apps; the first `hops deploy` makes one")
            }
            ControlError::NoDeploy(_) => (CauseCode::NotFound, "`hops releases` lists what was deployed"),
            ControlError::NoRelease(_) => (CauseCode::NotFound, "deploy it first with `hops deploy`"),
            ControlError::NoSuchRelease { .. } | ControlError::NothingToRollBackTo(_) => {
                (CauseCode::NotFound, "`hops releases` lists the releases there are")
            }
            ControlError::NoCommit { .. } => {
                (CauseCode::CommitMissing, "`hops deploy` sends the commit before it deploys it")
            }
            ControlError::TooLateToCancel(_) => {
                (CauseCode::Refused, "`hops rollback` puts the former release back into effect")
            }
            ControlError::ShuttingDown => {
                (CauseCode::EngineUnavailable, "what it had begun goes on at its next start; ask again then")
            }
            ControlError::Store(store) => return store.into(),
            ControlError::Repository { .. } => {
                (CauseCode::Internal, "the server's log has more; nothing was changed")
            }
        };
        Self::new(code, error.to_string(), help).with_proof(sources(error))
    }
}

/// The chain of causes below an error, one a line.
pub(crate) fn sources(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
