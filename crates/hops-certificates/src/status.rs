//! How each host stands, for people and programs.

use std::{error::Error, fmt, path::PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    book::{Entry, Job},
    fitness::Unfit,
};

/// How a wanted host stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostStatus {
    /// The host.
    pub host: String,
    /// The last moment of the certificate that it is served with, if it has one.
    pub valid_until: Option<Timestamp>,
    /// What goes on.
    #[serde(flatten)]
    pub state: State,
}

/// What goes on with a host's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// All is well until it is renewed.
    Kept {
        /// When it is renewed.
        renew_at: Timestamp,
    },
    /// Comes from a file, whose keeper is somebody else.
    File {
        /// The certificate's file.
        path: PathBuf,
    },
    /// About to be ordered.
    Waiting,
    /// Being ordered.
    Ordering,
    /// Could not be ordered.
    Failed {
        /// Why, and what to do.
        message: String,
        /// When it is tried again.
        next_try: Timestamp,
    },
    /// Cannot be ordered at all.
    Unfit {
        /// Why.
        reason: Unfit,
    },
    /// Nothing is ordered: no `email` is set.
    Off,
}

impl HostStatus {
    pub(crate) fn of_file(host: &str, path: PathBuf, until: Timestamp) -> Self {
        Self { host: host.to_owned(), valid_until: Some(until), state: State::File { path } }
    }

    pub(crate) fn of(host: &str, entry: &Entry, orders: bool) -> Self {
        let kept = entry.kept.as_ref();
        let state = match (&entry.unfit, &entry.job, &entry.attempt, kept) {
            (Some(reason), ..) => State::Unfit { reason: reason.clone() },
            (_, Some(Job::Order { .. }), ..) => State::Ordering,
            (_, _, Some(attempt), _) if orders => {
                State::Failed { message: attempt.message.clone(), next_try: attempt.not_before }
            }
            (_, _, _, Some(kept)) => State::Kept { renew_at: kept.record.renew_at },
            _ if orders => State::Waiting,
            _ => State::Off,
        };
        Self { host: host.to_owned(), valid_until: kept.map(|kept| kept.certificate.until), state }
    }
}

impl fmt::Display for HostStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.host)?;
        match self.valid_until {
            Some(until) => write!(f, "valid until {until}; ")?,
            None => f.write_str("no certificate; ")?,
        }
        self.state.fmt(f)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept { renew_at } => write!(f, "renewed at {renew_at}"),
            Self::File { path } => write!(f, "kept in `{}`", path.display()),
            Self::Waiting => f.write_str("about to be ordered"),
            Self::Ordering => f.write_str("being ordered"),
            Self::Failed { message, next_try } => write!(f, "{message}; tried again at {next_try}"),
            Self::Unfit { reason } => reason.fmt(f),
            Self::Off => f.write_str("set `email` to have one ordered"),
        }
    }
}

/// An error with its causes, each said once: some libraries repeat the cause in their own text.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
