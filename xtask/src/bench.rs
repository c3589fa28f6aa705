//! The figures, each against the best alternative in the same run, in turns; results go to `docs/results/`.
//!
//! Nothing here passes or fails: a number on a busy machine is no test. What is read from it is a ratio.

mod change;
mod check;
mod loss;
mod machine;
mod many;
mod memory;
mod report;
mod same;
mod timing;

use std::{fs, path::PathBuf};

use anyhow::Result;
use clap::ValueEnum;

use self::report::Report;
use crate::{
    cluster::Cluster,
    images, paths, progress,
    server::{self, Profile, Server},
};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these; all when none is named
    #[arg(value_name = "FIGURE", value_enum)]
    only: Vec<Figure>,
    /// How often each thing is timed
    #[arg(long, value_name = "NUMBER", default_value_t = 15)]
    rounds: usize,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// A one-line change to live, against buildctl, kubectl apply and kubectl rollout status
    Change,
    /// An unchanged commit deployed again
    Same,
    /// `hops check` of 50 applings, as a whole process
    Check,
    /// 50 applings in one app, deployed
    Many,
    /// Requests lost in twenty roll-outs under load
    Loss,
    /// The server's memory at rest, and over 200 deploys
    Memory,
}

/// What a measurement works with.
struct Bench {
    cluster: Cluster,
    /// A folder of this run, outside of the checkout.
    folder: PathBuf,
    rounds: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let cluster = Cluster::running()?;
    images::run(&images::Arguments::only(["busybox"]))?;
    let folder = cluster.layout.bench();
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let bench = Bench { cluster, folder, rounds: arguments.rounds };
    let all = Figure::value_variants();
    let wanted = all.iter().filter(|figure| arguments.only.is_empty() || arguments.only.contains(figure));
    for figure in wanted {
        let report = match figure {
            Figure::Change => change::measure(&bench)?,
            Figure::Same => same::measure(&bench)?,
            Figure::Check => check::measure(&bench)?,
            Figure::Many => many::measure(&bench)?,
            Figure::Loss => loss::measure(&bench)?,
            Figure::Memory => memory::measure(&bench)?,
        };
        write(&report)?;
    }
    // The server of the benchmark goes; the cluster was there before, or is announced by `up`.
    bench.cluster.stop_server()
}

impl Bench {
    /// A server as it is released, with an empty state of its own.
    fn server(&self, purpose: &str) -> Result<Server> {
        self.cluster.stop_server()?;
        Server::start(&self.cluster, &released()?, &self.folder.join(purpose))
    }
}

/// The binary as it is released. Not every figure needs it, and it takes minutes.
fn released() -> Result<PathBuf> {
    server::build(Profile::Release)
}

fn write(report: &Report) -> Result<()> {
    let folder = paths::checkout().join("docs/results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.md", report.name));
    let text = report.text(&machine::description()?);
    fs::write(&file, &text)?;
    progress::say(format!("\n{text}\n(written to {})", file.display()));
    Ok(())
}
