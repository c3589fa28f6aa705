//! Arguments of the commands that need no server.

use std::path::PathBuf;

use clap::Args;
use hops_model::AppName;

use super::TargetArgs;

/// `hops check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The app's directory [default: the Git repository's root, else here]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// The app's name where the file has none [default: the repository's name]
    #[arg(short, long, value_name = "APP")]
    pub(crate) app: Option<AppName>,
}

/// `hops render`
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// The app's directory [default: the Git repository's root, else here]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// The server's configuration file, for its hosts, registry and Kubernetes settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
