//! Releases: the record of what was, or is, put into effect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ApplingName, Cause, CommitId, Desired, RepoPath, Target};

/// Number of a release, counted from 1 for each app and environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ReleaseNumber(pub u32);

impl std::fmt::Display for ReleaseNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An immutable record: what ran, of which commit, and why. Written before anything changes, never edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The app and environment.
    pub target: Target,
    /// Its number.
    pub number: ReleaseNumber,
    /// The commit it was made of.
    pub commit: CommitId,
    /// First line of the commit's message.
    pub subject: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// How it came to be.
    pub origin: Origin,
    /// The app's `iterapp.toml` files, as they were.
    pub files: BTreeMap<RepoPath, String>,
    /// All that it puts into effect.
    pub desired: Desired,
    /// Applings whose build failed. What ran of them before runs on, and is part of `desired`.
    pub failed_builds: BTreeMap<ApplingName, Cause>,
}

/// How a release came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Origin {
    /// A commit was deployed.
    Deploy,
    /// A former release was put into effect again, without a build.
    Rollback {
        /// The former release.
        to: ReleaseNumber,
    },
}
