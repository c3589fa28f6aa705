//! Arguments of the server.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// `hops server`
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The configuration file [default: every setting at its default]
    #[arg(long, value_name = "FILE", env = "HOPS_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where the server keeps its state; beats `state_directory` in the file
    #[arg(long, value_name = "DIR", env = "HOPS_STATE", hide_env_values = true)]
    pub(crate) state: Option<PathBuf>,
    /// The address to listen on, such as 127.0.0.1:7070; beats `listen` in the file
    #[arg(long, value_name = "ADDRESS", env = "HOPS_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// Print a configuration file with every key, its meaning and its default, and exit
    #[arg(long)]
    pub(crate) print_config: bool,
}
