//! What can go wrong with the database.

use std::path::PathBuf;

use hops_model::{AppName, Cause, CauseCode, DeployId, HostName, Target};
use sqlx::{error::ErrorKind, migrate::MigrateError};
use thiserror::Error;

/// The store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process has it open.
    #[error("the database {} is in use by another HOPS server", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A newer version has changed its tables.
    #[error("the database {} was made by a newer version of HOPS (its migration {migration} is unknown here)", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The first migration that this version does not know.
        migration: i64,
    },
    /// Its tables cannot be brought up to date.
    #[error("cannot bring the database {} up to date", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: MigrateError,
    },
    /// The disk has no room left. Nothing was changed.
    #[error("could not {action}: the disk is full")]
    Full {
        /// What was tried.
        action: &'static str,
        /// The database's words.
        #[source]
        source: sqlx::Error,
    },
    /// The file or its disk cannot be written.
    #[error("could not {action}: the database is read-only")]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// The database's words.
        #[source]
        source: sqlx::Error,
    },
    /// The file is not a database, or is damaged.
    #[error("could not {action}: the file is damaged, or no database")]
    Damaged {
        /// What was tried.
        action: &'static str,
        /// The database's words.
        #[source]
        source: sqlx::Error,
    },
    /// Any other failure of the database.
    #[error("could not {action}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The database's words.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what this version cannot read.
    #[error("cannot read column `{column}` of table `{table}` for {key}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row, as `deploy 12`.
        key: String,
        /// The column.
        column: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No such deploy.
    #[error("there is no deploy {0}")]
    DeployMissing(DeployId),
    /// It has ended; nothing is added to it any more.
    #[error("deploy {0} has ended")]
    DeployFinished(DeployId),
    /// Somebody wanted it to end before its release was written.
    #[error("deploy {0} was cancelled")]
    DeployCancelled(DeployId),
    /// Deploys of the target wait or run.
    #[error("deploy {deploy} of {target} has not ended yet")]
    Busy {
        /// The app and environment.
        target: Target,
        /// The deploy.
        deploy: DeployId,
    },
    /// Its name is told from that of another app by nothing but `_` and `-`.
    #[error("`{app}` cannot be told from the app `{other}`: where only DNS names are allowed, both are `{}`", app.dns())]
    NameTaken {
        /// The app.
        app: AppName,
        /// The one that was there before.
        other: String,
    },
    /// The target is on its way out.
    #[error("{0} is being removed already")]
    BeingRemoved(Target),
    /// The host is routed to another app or environment.
    #[error("`{host}` is routed to {owner} already")]
    HostTaken {
        /// The host.
        host: HostName,
        /// Whose it is.
        owner: Target,
    },
}

impl StoreError {
    /// An error of the database while doing `action`, told apart by SQLite's result code.
    pub(crate) fn of(action: &'static str, source: sqlx::Error) -> Self {
        // https://www.sqlite.org/rescode.html: the lowest byte is the primary code.
        match source.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok()).map(|c| c & 0xff)
        {
            Some(8) => Self::ReadOnly { action, source },
            Some(11 | 26) => Self::Damaged { action, source },
            Some(13) => Self::Full { action, source },
            _ => Self::Failed { action, source },
        }
    }

    /// Whether the same may succeed later without anybody's doing, or once somebody has made room on a disk. Where a row is
    /// not as the statement wants it, it never will.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Full { .. } | Self::ReadOnly { .. } => true,
            Self::Failed { source: sqlx::Error::Database(error), .. } => error.kind() == ErrorKind::Other,
            Self::Failed { source, .. } => matches!(
                source,
                sqlx::Error::Io(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ),
            _ => false,
        }
    }

    /// Whether the deploy has ended meanwhile, or was removed.
    pub fn is_of_ended(&self) -> bool {
        matches!(self, Self::DeployFinished(_) | Self::DeployMissing(_))
    }

    fn help(&self) -> &'static str {
        match self {
            Self::Open { .. } => "see that the directory exists and that HOPS may write to it",
            Self::InUse { .. } => "stop the other server, or give this one a state directory of its own",
            Self::Newer { .. } => "start that version again, or restore a backup from before it",
            Self::Full { .. } => "make room on the disk of the state directory, then try again",
            Self::ReadOnly { .. } => "let HOPS write to its state directory, then try again",
            Self::Damaged { .. } | Self::Migrate { .. } | Self::Unreadable { .. } => {
                "restore a backup of the database, and keep the present file for an examination"
            }
            Self::Failed { .. } => "try again; if it stays, the server's log has more",
            Self::DeployMissing(_) => "`hops releases` lists what there is",
            Self::DeployFinished(_) | Self::DeployCancelled(_) => "start a new deploy",
            Self::Busy { .. } => "wait until it has ended, or cancel it",
            Self::NameTaken { .. } => "choose another `name`",
            Self::BeingRemoved(_) => "wait until nothing of it is left; `hops status` shows what is",
            Self::HostTaken { .. } => "choose another host, or remove it from the app that has it",
        }
    }
}

impl From<&StoreError> for Cause {
    fn from(error: &StoreError) -> Self {
        let code = match error {
            StoreError::HostTaken { .. } => CauseCode::RouteTaken,
            StoreError::DeployCancelled(_) => CauseCode::Cancelled,
            StoreError::DeployMissing(_) => CauseCode::NotFound,
            StoreError::DeployFinished(_)
            | StoreError::Busy { .. }
            | StoreError::NameTaken { .. }
            | StoreError::BeingRemoved(_) => CauseCode::Refused,
            _ => CauseCode::Internal,
        };
        let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
        let proof: Vec<String> = sources.map(ToString::to_string).collect();
        Self::new(code, error.to_string(), error.help()).with_proof(proof.join("\n"))
    }
}

/// Says what was being done when the database failed.
pub(crate) trait DoingExt<T> {
    fn doing(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> DoingExt<T> for Result<T, sqlx::Error> {
    fn doing(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::of(action, source))
    }
}
