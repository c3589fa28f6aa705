//! What `hops check` says of apps to programs: shape and addresses, no values of variables.

use hops_model::{App, AppName, Appling, ApplingName, Environment, HostName, HttpPath, Port, RepoPath};
use serde::Serialize;

use crate::{Diagnostic, Reading};

/// The JSON of `hops check` (design.md 8).
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The apps without errors.
    pub apps: Vec<AppSummary>,
    /// Everything found.
    pub diagnostics: Vec<Diagnostic>,
}

/// An app, without the values of its variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppSummary {
    /// Its name.
    pub name: AppName,
    /// Where pushes to the default branch go.
    pub default_environment: Environment,
    /// Decoration in chat messages.
    pub emoji: Option<String>,
    /// Its services, in the file's order.
    pub applings: Vec<ApplingSummary>,
}

/// An appling, without the values of its variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApplingSummary {
    /// Its name.
    pub name: ApplingName,
    /// Its directory, empty for the repository's root.
    pub directory: RepoPath,
    /// The port its container listens on.
    pub port: Port,
    /// The path that says whether it can take requests.
    pub readiness_path: HttpPath,
    /// The path that says whether it has to be restarted.
    pub liveness_path: Option<HttpPath>,
    /// How many containers run.
    pub replicas: u16,
    /// Whether requests from outside reach it.
    pub public: bool,
    /// Its hosts beside the default one.
    pub domains: Vec<HostName>,
    /// Its add-ons: `postgres`, `nats`.
    pub add_ons: Vec<&'static str>,
}

impl From<Reading> for CheckReport {
    fn from(reading: Reading) -> Self {
        Self { apps: reading.app.iter().map(AppSummary::from).collect(), diagnostics: reading.diagnostics }
    }
}

impl From<&App> for AppSummary {
    fn from(app: &App) -> Self {
        Self {
            name: app.name.clone(),
            default_environment: app.default_environment,
            emoji: app.emoji.clone(),
            applings: app.applings.iter().map(ApplingSummary::from).collect(),
        }
    }
}

impl From<&Appling> for ApplingSummary {
    fn from(appling: &Appling) -> Self {
        let postgres = appling.postgres.as_ref().map(|_| "postgres");
        let nats = appling.nats.then_some("nats");
        Self {
            name: appling.name.clone(),
            directory: appling.directory.clone(),
            port: appling.port,
            readiness_path: appling.readiness_path.clone(),
            liveness_path: appling.liveness_path.clone(),
            replicas: appling.replicas,
            public: appling.public,
            domains: appling.domains.clone(),
            add_ons: postgres.into_iter().chain(nats).collect(),
        }
    }
}
