//! Arguments of the commands that talk to a server.

use std::path::PathBuf;

use clap::Args;
use hops_model::ApplingName;

use super::TargetArgs;

/// Which server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ConnectionArgs {
    /// The server [default: the one of `hops login`]
    #[arg(long, value_name = "URL", env = "HOPS_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
}

/// `hops plan`
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The app's directory [default: the Git repository's root]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops deploy`
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The app's directory [default: the Git repository's root]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Start the deploy and do not wait for its end
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// What is deployed.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceArgs {
    /// The commit, branch or tag [default: HEAD]
    #[arg(short = 'r', long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The working tree as it is, with changes and new files that are not committed
    #[arg(long, conflicts_with = "reference")]
    pub(crate) dirty: bool,
}

/// `hops watch`
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The deploy's number
    #[arg(value_name = "DEPLOY")]
    pub(crate) deploy: i64,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops cancel`
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The deploy's number
    #[arg(value_name = "DEPLOY")]
    pub(crate) deploy: i64,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops status`
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Only this appling
    #[arg(long, value_name = "APPLING")]
    pub(crate) appling: Option<ApplingName>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops logs`
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Only this appling
    #[arg(long, value_name = "APPLING")]
    pub(crate) appling: Option<ApplingName>,
    /// Go on with lines as they come, also of new instances
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// The lines of each instance's former process, such as one that crashed
    #[arg(short, long, conflicts_with = "follow")]
    pub(crate) previous: bool,
    /// How many of the last lines of each instance to begin with [default: all, or 10 with --follow]
    #[arg(short = 'n', long, value_name = "LINES")]
    pub(crate) tail: Option<u32>,
    /// No lines older than this: a span such as `10m` or `2h 30m`, or an instant such as 2026-05-01T12:00Z
    #[arg(long, value_name = "WHEN", value_parser = super::since::parse)]
    pub(crate) since: Option<jiff::Timestamp>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops releases`
#[derive(Debug, Args)]
pub(crate) struct ReleasesArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// How many to show, the newest first
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops rollback`
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The release to go back to [default: the last good one before the present]
    #[arg(value_name = "RELEASE")]
    pub(crate) release: Option<u32>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Start the rollback and do not wait for its end
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops remove`
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `hops login`
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The server, such as `https://hops.example.com`
    #[arg(value_name = "URL")]
    pub(crate) server: String,
    /// The file that the token is in [default: ask for it, or read it from stdin]
    #[arg(long, value_name = "FILE", env = "HOPS_TOKEN_FILE", hide_env_values = true)]
    pub(crate) token_file: Option<PathBuf>,
}
