//! The command line as typed.
//!
//! What clap can parse is a type of the model right away. What needs the directory, the file, or the environment to
//! be understood is worked out by the command (`repository`, `configuration`, `connection`).

mod client;
mod local;
#[cfg(test)]
mod reference;
mod server;
mod since;
mod target;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    exit::Exit,
    printer::{Color, Format, Printer},
};

pub(crate) use client::{
    CancelArgs, ConnectionArgs, DeployArgs, LoginArgs, LogsArgs, PlanArgs, ReleasesArgs, RemoveArgs,
    RollbackArgs, SourceArgs, StatusArgs, WatchArgs,
};
pub(crate) use local::{CheckArgs, RenderArgs};
pub(crate) use server::{ConfigurationArgs, DownArgs, ListenArgs, ServerArgs, UpArgs};
pub(crate) use target::TargetArgs;

/// Builds every version of an app and rolls it out without losing a request
#[derive(Debug, Parser)]
#[command(
    name = "hops",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done and healthy, 1 the input or the app is at fault, 2 HOPS or something it \
                  depends on is, 64 wrong arguments"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// How output looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// The form of data on stdout: for people, or one JSON document (one object a line for a stream)
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    format: Format,
    /// Print data and errors only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Whether to colour
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = false
    )]
    color: Color,
}

impl OutputArgs {
    /// The printer that was asked for.
    pub(crate) fn printer(&self) -> Printer {
        Printer::new(self.format, self.quiet, self.color)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the whole platform on this machine, with Docker
    Up(UpArgs),
    /// Stop the platform on this machine; apps go on running
    Down(DownArgs),
    /// Check the app's files: every mistake with its place and a fix. Needs no server
    Check(CheckArgs),
    /// Print the Kubernetes objects that a deploy would apply. Needs no server
    Render(RenderArgs),
    /// Print the JSON Schema of `iterapp.toml`, for editors
    Schema,
    /// Show what a deploy would change of what runs, field by field
    Plan(PlanArgs),
    /// Build a commit and roll it out
    Deploy(DeployArgs),
    /// Follow a deploy
    Watch(WatchArgs),
    /// Stop a deploy; what it has changed already stays
    Cancel(CancelArgs),
    /// Show what runs
    Status(StatusArgs),
    /// Print the log lines of an app
    Logs(LogsArgs),
    /// List the apps
    Apps(ConnectionArgs),
    /// List the releases of an app
    Releases(ReleasesArgs),
    /// Put a former release into effect, without a build
    Rollback(RollbackArgs),
    /// Remove all that runs of an app in an environment
    Remove(RemoveArgs),
    /// Remember a server and its token
    Login(LoginArgs),
    /// Run the server of a platform on Kubernetes
    Server(ServerArgs),
    /// Print a script that completes `hops` in a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// Reads the process's arguments. Where clap has answered already (help, version, mistakes), that is how to exit.
pub(crate) fn parse() -> Result<Arguments, Exit> {
    Arguments::try_parse().map_err(|error| {
        // Where neither stdout nor stderr can be written there is nobody to tell.
        let _ = error.print();
        if error.use_stderr() { Exit::Usage } else { Exit::Done }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
