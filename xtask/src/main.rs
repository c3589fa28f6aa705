//! The project's own tasks, run as `cargo xtask TASK`.
//!
//! Knows the checkout and this machine; knows nothing of how HOPS works inside. Few dependencies, so that a task starts
//! seconds after a fresh clone.
#![expect(clippy::print_stderr, reason = "a program for a terminal says there what it does")]

mod cluster;
mod digest;
mod http;
mod images;
mod packages;
mod paths;
mod program;
mod progress;
mod tools;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tasks", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// A real Kubernetes with ingress, registry and BuildKit on this machine
    Cluster(cluster::Arguments),
    /// Base images assembled from Debian packages, in the cluster's registry under their public names
    Images(images::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Cluster(arguments) => cluster::run(&arguments),
        Task::Images(arguments) => images::run(&arguments),
    }
}
