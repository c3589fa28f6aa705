//! Why a build did not succeed.

mod old;
mod place;
mod report;

use std::{fmt, io};

pub(crate) use self::report::explain;

/// Why a build did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No connection to the daemon.
    #[error("cannot reach BuildKit at {address}")]
    Connect {
        /// Where it should be.
        address: String,
        /// What went wrong.
        #[source]
        source: tonic::transport::Error,
    },
    /// The daemon, or the connection to it, went away in the middle.
    #[error("BuildKit at {address} went away during the build")]
    Lost {
        /// Where it was.
        address: String,
        /// What was seen of it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A file of the context or the Dockerfile could not be read.
    #[error("cannot read the files to build from")]
    Source(#[source] io::Error),
    /// There is no Dockerfile where it should be.
    #[error("`{path}` does not exist")]
    NoDockerfile {
        /// Path in the source.
        path: String,
    },
    /// The Dockerfile, or a command in it, is at fault.
    #[error("{0}")]
    Failed(Box<Failure>),
    /// A base image cannot be had.
    #[error("cannot get the image `{}`: {}", .0.image, .0.reason)]
    Pull(Refusal),
    /// The image was built, but a registry did not take it.
    #[error("cannot push the image `{}`: {}", .0.image, .0.reason)]
    Push(Refusal),
    /// The daemon gave up for a reason of its own, such as a full disk.
    #[error("BuildKit reports: {message}")]
    Daemon {
        /// In its words.
        message: String,
        /// Whether it lost a layer that it was making: a step that two builds share, of which one ends, may take it along.
        is_transient: bool,
    },
    /// Cancelled by the caller.
    #[error("the build was cancelled")]
    Cancelled,
}

/// What a registry, or the way to it, said no to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The image's name.
    pub image: String,
    /// The registry's words, or the network's.
    pub reason: String,
    /// Whether it looks as if it would pass: refused connections, time-outs, 5xx answers.
    pub is_transient: bool,
    /// The line that asked for the image, for a base image.
    pub location: Option<Location>,
}

/// A failed step or a wrong Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What failed, for instance `[3/4] RUN npm ci`; nothing when the Dockerfile itself cannot be read.
    pub step: Option<String>,
    /// Why, in the builder's words.
    pub message: String,
    /// Of the command that failed.
    pub exit_code: Option<u32>,
    /// The last lines that the step printed.
    pub log_tail: Vec<String>,
    /// Where in the Dockerfile.
    pub location: Option<Location>,
    /// Whether the Dockerfile could not be read, and the daemon is of before `BuildKit` 0.11 (as in Docker engines up
    /// to 20.10): it may well be right, and use what only newer ones know, such as heredocs and `COPY --link`.
    pub is_reader_old: bool,
}

/// A place in a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's path in its source.
    pub file: String,
    /// First line, from 1.
    pub first_line: usize,
    /// Last line, from 1.
    pub last_line: usize,
    /// The text of these lines.
    pub excerpt: String,
}

impl BuildError {
    /// With the place in the Dockerfile, where the daemon did not say it and it can be found out.
    pub(crate) fn placed(mut self, file: &str, dockerfile: &str) -> Self {
        match &mut self {
            Self::Failed(failure) => failure.location = place::of_failure(failure, file, dockerfile),
            Self::Pull(refusal) => {
                if let Some((image, location)) = place::of_base(&refusal.image, file, dockerfile) {
                    (refusal.image, refusal.location) = (image, Some(location));
                } else if refusal.image.is_empty() {
                    "of a FROM line".clone_into(&mut refusal.image);
                }
            }
            _ => {}
        }
        self
    }

    /// Whether it says where in the Dockerfile something is wrong, or cannot.
    pub(crate) fn is_placed(&self) -> bool {
        match self {
            Self::Failed(failure) => failure.location.is_some(),
            Self::Pull(refusal) => refusal.location.is_some(),
            _ => true,
        }
    }

    /// Whether the same build may succeed when tried again without anything being changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost { .. } => true,
            Self::Pull(refusal) | Self::Push(refusal) => refusal.is_transient,
            Self::Daemon { is_transient, .. } => *is_transient,
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    /// One line: where, what, why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        match (&self.step, self.exit_code) {
            (Some(step), Some(code)) => write!(f, "`{step}` ended with exit code {code}"),
            (Some(step), None) => write!(f, "`{step}` failed: {}", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.first_line)
    }
}
