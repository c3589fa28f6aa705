//! Deploys: putting a commit or a former release into effect.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CommitId, Outcome, ReleaseNumber, Target, release::Origin};

/// Number of a deploy, counted over the whole platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct DeployId(pub i64);

impl std::fmt::Display for DeployId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One attempt to put something into effect. Deploys of one target are done one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deploy {
    /// Its number.
    pub id: DeployId,
    /// The app and environment.
    pub target: Target,
    /// What is put into effect: that of the commit, or of a former release.
    pub origin: Origin,
    /// The commit.
    pub commit: CommitId,
    /// First line of the commit's message.
    pub subject: String,
    /// How far it is.
    pub state: DeployState,
    /// The release it made; none before that is written.
    pub release: Option<ReleaseNumber>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

/// How far a deploy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeployState {
    /// Waits for another deploy of the same target.
    Queued,
    /// Is being done.
    Running,
    /// Has its outcome.
    Finished,
}
