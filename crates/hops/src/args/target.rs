//! Which app, and where.

use clap::Args;
use hops_model::{AppName, Environment};

/// Which app, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    /// The app [default: `name` in iterapp.toml, else the repository's name]
    #[arg(short, long, value_name = "APP")]
    pub(crate) app: Option<AppName>,
    /// The environment: prod, test, snap0 to snap9, or local [default: `default_environment` in iterapp.toml]
    #[arg(short, long, value_name = "ENVIRONMENT")]
    pub(crate) environment: Option<Environment>,
}
