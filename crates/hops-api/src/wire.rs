//! Bodies of requests and answers, beyond what the model has.

use hops_engine::LogQuery;
use hops_model::{
    AppName, ApplingName, ApplingStatus, CommitId, Deploy, DeployId, Environment, Outcome, ReleaseNumber,
    Target, release::Origin,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Asks for a deploy, or for the plan of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployRequest {
    /// Where to; the file's `default_environment` where there is none.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// Which commit. It has to be in the server's copy of the repository.
    pub commit: CommitId,
}

/// Asks to put a former release into effect again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Which; the last that ran well before the present one where there is none.
    #[serde(default)]
    pub to: Option<ReleaseNumber>,
}

/// An app and where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppSummary {
    /// Its name.
    pub name: AppName,
    /// When it was first seen.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The environments it was deployed to.
    pub environments: Vec<EnvironmentSummary>,
}

/// An environment of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentSummary {
    /// The environment.
    pub environment: Environment,
    /// The latest release; none where no deploy got that far.
    pub release: Option<ReleaseNumber>,
    /// The latest deploy.
    pub deploy: Deploy,
}

/// A release and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseSummary {
    /// Its number.
    pub number: ReleaseNumber,
    /// The commit it was made of.
    pub commit: CommitId,
    /// First line of the commit's message.
    pub subject: String,
    /// How it came to be.
    pub origin: Origin,
    /// The deploy that made it.
    pub deploy: DeployId,
    /// How that ended; none while it runs.
    pub outcome: Option<Outcome>,
    /// When that was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When that ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// What runs of an app in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetStatus {
    /// The app and environment.
    pub target: Target,
    /// The latest release.
    pub release: Option<ReleaseSummary>,
    /// The deploy that waits or is being done.
    pub under_way: Option<Deploy>,
    /// The applings, as the engine sees them.
    pub applings: Vec<ApplingStatus>,
}

/// The server's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// As in `0.1.0`.
    pub version: String,
}

/// Which log lines, as parameters of a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogParameters {
    /// One appling; all of them where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appling: Option<ApplingName>,
    /// Whether to go on with lines as they come.
    #[serde(default)]
    pub follow: bool,
    /// The lines of each container's former process instead of its present one.
    #[serde(default)]
    pub previous: bool,
    /// How many of the last lines of each container to begin with; all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// No lines older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

impl LogParameters {
    /// The query of a target.
    pub fn of(self, target: Target) -> LogQuery {
        let Self { appling, follow, previous, tail, since } = self;
        LogQuery { target, appling, follow, previous, tail, since }
    }
}

impl From<&LogQuery> for LogParameters {
    fn from(query: &LogQuery) -> Self {
        let LogQuery { target: _, appling, follow, previous, tail, since } = query.clone();
        Self { appling, follow, previous, tail, since }
    }
}
