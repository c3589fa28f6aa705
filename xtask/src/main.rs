//! The project's own tasks, run as `cargo xtask TASK`.
//!
//! Knows the checkout and this machine, nothing of how HOPS works inside. It has few dependencies and starts soon.
#![expect(clippy::print_stderr, reason = "a program for a terminal says there what it does")]

mod bench;
mod cluster;
mod demo;
mod digest;
mod http;
mod images;
mod machine;
mod packages;
mod paths;
mod program;
mod progress;
mod repository;
mod server;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The project's own tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The main job from end to end: an example repository becomes a running app
    Demo(demo::Arguments),
    /// Everything that has to hold before a change lands: checks, then all tests, on real Docker engines and a real cluster
    Test(test::Arguments),
    /// The figures, against the best alternative in the same run
    Bench(bench::Arguments),
    /// The rules of the house that no other tool checks
    Tidy,
    /// A real Kubernetes with ingress, registry and BuildKit on this machine
    Cluster(cluster::Arguments),
    /// Two Docker engines on this machine: Debian's, and the current one
    Docker(cluster::docker::Arguments),
    /// Base images assembled from Debian packages, in the cluster's registry under their public names
    Images(images::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Cluster(arguments) => cluster::run(&arguments),
        Task::Docker(arguments) => cluster::docker::run(&arguments),
        Task::Images(arguments) => images::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not as `main`'s own result: that would print a backtrace wherever RUST_BACKTRACE is set.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
