//! An app in an environment: what a deploy is aimed at.

use serde::{Deserialize, Serialize};

use crate::{AppName, Environment};

/// An app in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Target {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: Environment,
}

impl Target {
    /// An app in an environment.
    pub fn new(app: AppName, environment: Environment) -> Self {
        Self { app, environment }
    }

    /// The namespace `apps-{app}-{environment}`, underscores turned into dashes (design.md 1, promise 1).
    pub fn namespace(&self) -> String {
        format!("apps-{}-{}", self.app.dns(), self.environment)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}", self.app, self.environment)
    }
}
