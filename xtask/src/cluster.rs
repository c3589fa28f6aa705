//! A real Kubernetes on this machine: control plane, one node, ingress, DNS, registry, BuildKit. Beside it, and with the
//! same registry and BuildKit, two Docker engines.
//!
//! Everything runs as plain detached processes from one folder outside the checkout. Every step looks first and does only
//! what is missing, so that `up` repairs a cluster of which parts have died, and does nothing to a healthy one.

mod buildkit;
mod certificates;
mod cgroups;
mod containerd;
mod control_plane;
mod daemon;
mod dns;
pub(crate) mod docker;
mod environment;
mod etcd;
mod gateway;
mod guest;
mod identity;
mod ingress;
mod kubectl;
mod kubelet;
mod layout;
mod network;
mod pause;
mod registry;
mod remains;
mod slot;
mod start;

use std::{
    fs,
    io::{self, Write as _},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;

pub(crate) use self::{
    daemon::{Daemon, Network, Ready},
    environment::Environment,
    guest::Guest,
    layout::Layout,
    slot::Port,
};
use self::{docker::Engine, kubectl::Kubectl, network::Namespace, remains::Runtime, slot::Slot};
use crate::{
    packages, progress,
    tools::{Part, Tools},
};

/// Arguments of `cargo xtask cluster`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install, build and start what is missing, and wait until all of it works
    Up,
    /// Stop everything, the Docker engines too, and leave nothing behind; images and build cache are kept for the next `up`
    Down {
        /// Remove images, build cache and logs too
        #[arg(long)]
        purge: bool,
    },
    /// What runs, and where
    Status,
    /// Variables for tests and for `kubectl`: eval "$(cargo xtask cluster env)"
    Env,
}

/// The cluster of this checkout.
pub(crate) struct Cluster {
    pub(crate) layout: Layout,
    pub(crate) slot: Slot,
    pub(crate) tools: Tools,
}

/// After `up`, for whoever did it by hand.
const HINT: &str = "hint: eval \"$(cargo xtask cluster env)\"";

/// What Kubernetes and the Docker engines share.
const BASE: [&str; 2] = ["registry", "buildkitd"];

/// In the order of starting: each group needs what the groups before it offer.
const KUBERNETES: [&[&str]; 3] = [
    &["etcd", "registry-of-node", "containerd"],
    &["kube-apiserver"],
    &["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "traefik"],
];

/// Started by the demo and the benchmarks, and stopped with the cluster that it drives.
const GUESTS: [&str; 1] = ["hops-server"];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.task {
        Task::Up => {
            set_of_tests(false)?;
            up()?;
            progress::say(HINT);
            Ok(())
        }
        Task::Down { purge } => down(*purge),
        Task::Status => status(),
        Task::Env => Ok(io::stdout().write_all(Environment::current()?.to_shell().as_bytes())?),
    }
}

/// Makes the cluster run, or takes the one that the user's own variables name.
pub(crate) fn up() -> Result<Environment> {
    if let Some(own) = Environment::of_user()? {
        progress::say("using your own cluster, as HOPS_TEST_KUBECONFIG is set");
        return Ok(own);
    }
    begin_kubernetes(&[Part::Base, Part::Kubernetes, Part::Ingress, Part::Tests])
}

fn begin_kubernetes(parts: &[Part]) -> Result<Environment> {
    begin("the cluster", &[packages::CLUSTER], parts, Cluster::start)
}

/// Makes both Docker engines run.
pub(crate) fn up_docker() -> Result<()> {
    let packages = [packages::CLUSTER, packages::DOCKER, packages::DOCKER_BUILD];
    begin("Docker", &packages, &[Part::Base, Part::Docker], Cluster::start_docker).map(drop)
}

/// Prepares the machine, then starts something.
fn begin(
    what: &str,
    needed: &[&[(&'static str, &'static str)]],
    parts: &[Part],
    start: impl FnOnce(&Cluster) -> Result<bool>,
) -> Result<Environment> {
    must_be_root()?;
    let begin = Instant::now();
    let layout = Layout::of_checkout()?;
    let _lock = layout.lock()?;
    packages::install(needed)?;
    let tools = Tools::build(parts)?;
    if layout.is_of_an_earlier_boot() {
        progress::say("removing what is left of the cluster from before the machine's restart");
        stop_all(&layout)?;
    }
    let slot = layout.claim_slot()?;
    let cluster = Cluster { layout, slot, tools };
    cluster.layout.make()?;
    cluster.layout.remember_boot()?;
    let changed = start(&cluster)?;
    let seconds = begin.elapsed().as_secs_f64();
    if changed {
        progress::say(format!("{what} is up ({seconds:.1} s)"));
    } else {
        progress::say(format!("{what} was up already ({seconds:.1} s)"));
    }
    Environment::of_checkout(&cluster.layout, slot)
}

pub(crate) fn down(purge: bool) -> Result<()> {
    must_be_root()?;
    let layout = Layout::of_checkout()?;
    if !layout.root().exists() {
        progress::say("there is no cluster");
        return Ok(());
    }
    let _lock = layout.lock()?;
    progress::step("stopping the cluster", || {
        stop_all(&layout)?;
        layout::remove(&layout.of_tests())?;
        if purge { layout.forget(true) } else { Ok(()) }
    })
}

/// Stops the Docker engines, and what they shared with a cluster that does not run either.
pub(crate) fn down_docker() -> Result<()> {
    must_be_root()?;
    let layout = Layout::of_checkout()?;
    let Some(slot) = layout.slot() else { return Ok(()) };
    let _lock = layout.lock()?;
    progress::step("stopping Docker", || {
        if is_running()? { stop_docker(&layout, slot) } else { stop_all(&layout) }
    })
}

/// Makes the daemon of a Docker engine anew, while its containers run.
fn restart_docker(engine: Engine, kill: bool) -> Result<()> {
    must_be_root()?;
    let layout = Layout::of_checkout()?;
    let _lock = layout.lock()?;
    let slot = layout.slot().context("there is no Docker engine\nhint: `cargo xtask docker up`")?;
    let tools = Tools::build(&[Part::Base, Part::Docker])?;
    engine.restart(&Cluster { layout, slot, tools }, kill)
}

/// Whether any part of this checkout's Docker engines runs.
pub(crate) fn is_docker_running() -> Result<bool> {
    Ok(docker::is_running(&Layout::of_checkout()?))
}

/// Whether any part of this checkout's cluster runs.
pub(crate) fn is_running() -> Result<bool> {
    let layout = Layout::of_checkout()?;
    Ok(KUBERNETES.concat().iter().any(|name| daemon::is_running(&layout, name)))
}

/// Held by a run of the tests: two of one checkout would end each other's daemons.
pub(crate) fn lock_tests() -> Result<fs::File> {
    Layout::of_checkout()?.lock_tests()
}

/// Whether all that runs was started by a run of the tests, which stops it at its end.
pub(crate) fn is_of_tests() -> Result<bool> {
    Ok(Layout::of_checkout()?.of_tests().exists())
}

/// Whether it is from now on; otherwise it goes on until somebody stops it.
pub(crate) fn set_of_tests(is: bool) -> Result<()> {
    let layout = Layout::of_checkout()?;
    if is {
        fs::create_dir_all(layout.root())?;
        return Ok(fs::write(layout.of_tests(), "")?);
    }
    layout::remove(&layout.of_tests())
}

/// Whether tests use a cluster of the user's own.
pub(crate) fn is_users() -> Result<bool> {
    Ok(Environment::of_user()?.is_some())
}

fn status() -> Result<()> {
    let layout = Layout::of_checkout()?;
    let mut out = io::stdout().lock();
    let mut all = true;
    for name in BASE.into_iter().chain(KUBERNETES.concat()) {
        let is_running = daemon::is_running(&layout, name);
        all &= is_running;
        writeln!(out, "{name:24} {}", if is_running { "running" } else { "stopped" })?;
    }
    writeln!(out, "{:24} {}", "folder", layout.root().display())?;
    if !all {
        bail!("not all of the cluster runs\nhint: `cargo xtask cluster up` starts what is missing");
    }
    for (name, value) in Environment::current()?.variables() {
        writeln!(out, "{name:24} {value}")?;
    }
    Ok(())
}

impl Cluster {
    /// The running cluster of this checkout, started if need be.
    pub(crate) fn running() -> Result<Self> {
        must_be_this_checkouts()?;
        let parts = [Part::Base, Part::Kubernetes, Part::Ingress];
        // Whoever asked goes on using it after a run of the tests.
        set_of_tests(false)?;
        begin_kubernetes(&parts)?;
        Self::of_checkout(&parts)
    }

    /// Registry and BuildKit of this checkout, started if need be, without anything that runs apps.
    pub(crate) fn base() -> Result<Self> {
        must_be_this_checkouts()?;
        let parts = [Part::Base];
        begin("the builder", &[packages::CLUSTER], &parts, Self::start_base)?;
        Self::of_checkout(&parts)
    }

    /// The Docker engines of this checkout, started if need be.
    pub(crate) fn docker() -> Result<Self> {
        set_of_tests(false)?;
        up_docker()?;
        Self::of_checkout(&[Part::Base, Part::Docker])
    }

    fn of_checkout(parts: &[Part]) -> Result<Self> {
        let layout = Layout::of_checkout()?;
        let slot = layout.slot().context("the cluster was stopped meanwhile")?;
        Ok(Self { layout, slot, tools: Tools::build(parts)? })
    }

    /// Makes another program run beside the cluster, and waits until it works. It has to be one of [`GUESTS`].
    pub(crate) fn run(&self, daemon: &Daemon) -> Result<()> {
        if daemon.is_well(&self.layout) {
            return Ok(());
        }
        progress::step(format!("starting {}", daemon.name), || {
            daemon.start(&self.layout)?;
            daemon.wait_ready(&self.layout)
        })
    }

    /// Stops the server that a demo or a benchmark started.
    pub(crate) fn stop_server(&self) -> Result<()> {
        daemon::stop(&self.layout, &GUESTS)
    }

    /// The process of that server, while it runs.
    pub(crate) fn server_process(&self) -> Option<i32> {
        daemon::process(&self.layout, GUESTS[0])
    }

    /// `kubectl`, as the cluster's administrator.
    pub(crate) fn kubectl_command(&self) -> Command {
        self.kubectl().command(&[])
    }

    /// Where BuildKit listens.
    pub(crate) fn buildkit(&self) -> String {
        buildkit::address(self)
    }

    fn kubectl(&self) -> Kubectl {
        Kubectl { program: self.tools.program("kubectl").to_owned(), kubeconfig: self.layout.kubeconfig() }
    }
}

/// Stops whatever runs, in reverse order, and removes what it made on the machine.
fn stop_all(layout: &Layout) -> Result<()> {
    let Some(slot) = layout.slot() else { return Ok(()) };
    daemon::stop(layout, &GUESTS)?;
    stop_docker(layout, slot)?;
    for group in KUBERNETES.iter().rev() {
        // Containers go between who wants them and who runs them: nothing is left that would start one again.
        if group.contains(&"containerd") {
            remains::kill_containers(&Runtime::of_node(layout, slot))?;
        }
        daemon::stop(layout, group)?;
    }
    daemon::stop(layout, &BASE)?;
    remains::remove(layout, slot)?;
    Namespace::of_node(slot).down()?;
    layout.forget(false)
}

fn stop_docker(layout: &Layout, slot: Slot) -> Result<()> {
    // It would make its containers anew.
    remains::kill_detached()?;
    Engine::ALL.iter().try_for_each(|engine| engine.stop(layout, slot))
}

fn must_be_this_checkouts() -> Result<()> {
    if Environment::of_user()?.is_some() {
        bail!(
            "this task works on the cluster that it starts itself; HOPS_TEST_KUBECONFIG names one of your own"
        );
    }
    Ok(())
}

fn must_be_root() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "a cluster needs root: containers, network namespaces\nhint: run as root, or set HOPS_TEST_KUBECONFIG to use your own cluster"
        );
    }
    Ok(())
}
