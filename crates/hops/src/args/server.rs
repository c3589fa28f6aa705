//! Arguments of the server, in a cluster or on one machine.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// `hops server`
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// Print a configuration file with every key, its meaning and its default, and exit
    #[arg(long)]
    pub(crate) print_config: bool,
}

/// `hops up`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// Return once the platform is ready, and let it run in the background
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Print a systemd unit that runs the platform with these arguments, and exit
    #[arg(long, conflicts_with_all = ["detach", "print_config"])]
    pub(crate) print_unit: bool,
    /// Print a configuration file with every key, its meaning and its default, and exit
    #[arg(long, conflicts_with = "detach")]
    pub(crate) print_config: bool,
    /// What `--detach` starts: a session of its own, and a log file that is kept small
    #[arg(long, hide = true, conflicts_with_all = ["detach", "print_unit", "print_config"])]
    pub(crate) detached: bool,
}

impl UpArgs {
    /// What brings a platform up in the background.
    pub(crate) fn in_background(configuration: ConfigurationArgs) -> Self {
        Self {
            configuration,
            listen: ListenArgs { listen: None },
            detach: true,
            print_unit: false,
            print_config: false,
            detached: false,
        }
    }
}

/// `hops down`
#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,
    /// Remove all apps as well: their containers, networks and releases
    #[arg(long)]
    pub(crate) apps: bool,
    /// Do not ask
    #[arg(short, long, requires = "apps")]
    pub(crate) yes: bool,
}

/// Which configuration, and which state.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigurationArgs {
    /// The configuration file [default: every setting at its default]
    #[arg(long, value_name = "FILE", env = "HOPS_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where the state is kept; beats `state_directory` in the file
    #[arg(long, value_name = "DIR", env = "HOPS_STATE", hide_env_values = true)]
    pub(crate) state: Option<PathBuf>,
}

/// Where clients are listened to.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenArgs {
    /// The address that clients are listened to on, such as 127.0.0.1:7070; beats `listen` in the file
    #[arg(long, value_name = "ADDRESS", env = "HOPS_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
}
