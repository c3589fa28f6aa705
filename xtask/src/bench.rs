//! The figures, each against the best alternative in the same run, in turns; results go to `docs/results/`.
//!
//! Nothing here passes or fails: a number on a busy machine is no test. What is read from it is a ratio.

mod change;
mod check;
mod docker;
mod loss;
mod machine;
mod many;
mod memory;
mod proxy;
mod report;
mod same;
mod timing;

use std::{fs, path::PathBuf};

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    cluster::{self, Cluster},
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
    /// Only see that the figures of the proxy and of Docker can be measured: short turns, and no page is written
    #[arg(long)]
    quick: bool,
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
    /// A one-line change to live on Docker, against docker build, docker run and a healthy answer; needs no cluster
    Docker,
    /// Requests lost in twenty roll-outs and twenty rollbacks on Docker, under load; needs no cluster
    DockerLoss,
    /// The proxy's processor time per request and more, against nginx and Traefik; needs no cluster
    Proxy,
}

/// What a measurement works with.
struct Bench {
    cluster: Cluster,
    /// A folder of this run, outside of the checkout.
    folder: PathBuf,
    rounds: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let all = Figure::value_variants();
    let wanted: Vec<Figure> = all
        .iter()
        .copied()
        .filter(|figure| arguments.only.is_empty() || arguments.only.contains(figure))
        .collect();
    if wanted.contains(&Figure::Proxy) {
        measure_proxy(arguments)?;
    }
    if wanted.contains(&Figure::Docker) {
        measure_docker(arguments)?;
    }
    if wanted.contains(&Figure::DockerLoss) {
        cluster::up_docker()?;
        write("docker-loss", &loss::measure(&loss::DOCKER)?.text(&machine::description()?))?;
    }
    if wanted.iter().all(|figure| figure.needs_no_cluster()) {
        return Ok(());
    }
    let cluster = Cluster::running()?;
    images::run(&images::Arguments::only(["busybox"]))?;
    let folder = cluster.layout.bench();
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let bench = Bench { cluster, folder, rounds: arguments.rounds };
    for figure in wanted {
        let report = match figure {
            Figure::Change => change::measure(&bench)?,
            Figure::Same => same::measure(&bench)?,
            Figure::Check => check::measure(&bench)?,
            Figure::Many => many::measure(&bench)?,
            Figure::Loss => loss::measure(&loss::KUBERNETES)?,
            Figure::Memory => memory::measure(&bench)?,
            Figure::Proxy | Figure::Docker | Figure::DockerLoss => continue,
        };
        let machine = format!("{}, Kubernetes of `cargo xtask cluster`", machine::description()?);
        write(report.name, &report.text(&machine))?;
    }
    // The server of the benchmark goes; the cluster was there before, or is announced by `up`.
    bench.cluster.stop_server()
}

impl Figure {
    fn needs_no_cluster(self) -> bool {
        matches!(self, Self::Proxy | Self::Docker | Self::DockerLoss)
    }
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

fn measure_docker(arguments: &Arguments) -> Result<()> {
    let machine = machine::description()?;
    if arguments.quick {
        progress::say(docker::measure(3, Profile::Dev)?.text(&machine));
        return Ok(());
    }
    write("docker-change", &docker::measure(arguments.rounds, Profile::Release)?.text(&machine))
}

fn measure_proxy(arguments: &Arguments) -> Result<()> {
    let machine = machine::description()?;
    if arguments.quick {
        progress::say(proxy::measure(proxy::Effort::quick(), &machine)?);
        return Ok(());
    }
    write("proxy", &proxy::measure(proxy::Effort::full(arguments.rounds), &machine)?)
}

fn write(name: &str, text: &str) -> Result<()> {
    let folder = paths::checkout().join("docs/results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.md"));
    fs::write(&file, text)?;
    progress::say(format!("\n{text}\n(written to {})", file.display()));
    Ok(())
}
