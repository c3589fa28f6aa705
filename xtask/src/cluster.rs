//! A real Kubernetes on this machine: control plane, one node, ingress, DNS, registry, BuildKit.
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
mod environment;
mod etcd;
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

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::symlink,
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;

pub(crate) use self::{
    daemon::{Daemon, Network, Ready},
    environment::Environment,
    layout::Layout,
    slot::Port,
};
use self::{kubectl::Kubectl, slot::Slot};
use crate::{packages, progress, tools::Tools};

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
    /// Stop everything and leave nothing behind; images and build cache are kept for the next `up`
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

/// In the order of starting: each group needs what the groups before it offer.
const STARTED: [&[&str]; 3] = [
    &["etcd", "registry", "registry-of-node", "buildkitd", "containerd"],
    &["kube-apiserver"],
    &["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "traefik"],
];

/// Started by the demo and the benchmarks, and stopped with the cluster that it drives.
const GUESTS: [&str; 1] = ["hops-server"];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.task {
        Task::Up => up().map(drop),
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
    must_be_root()?;
    let begin = Instant::now();
    let layout = Layout::of_checkout()?;
    let _lock = layout.lock()?;
    packages::install()?;
    let tools = Tools::build()?;
    if layout.is_of_an_earlier_boot() {
        progress::say("removing what is left of the cluster from before the machine's restart");
        stop_all(&layout)?;
    }
    let slot = layout.claim_slot()?;
    let cluster = Cluster { layout, slot, tools };
    let changed = cluster.start()?;
    let seconds = begin.elapsed().as_secs_f64();
    if changed {
        progress::say(format!(
            "the cluster is up ({seconds:.1} s)\nhint: eval \"$(cargo xtask cluster env)\""
        ));
    } else {
        progress::say(format!("the cluster was up already ({seconds:.1} s)"));
    }
    Ok(Environment::of_cluster(&cluster.layout, slot))
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
        if purge { layout.forget(true) } else { Ok(()) }
    })
}

/// Whether any part of this checkout's cluster runs.
pub(crate) fn is_running() -> Result<bool> {
    let layout = Layout::of_checkout()?;
    Ok(STARTED.concat().iter().any(|name| daemon::is_running(&layout, name)))
}

/// Whether tests use a cluster of the user's own.
pub(crate) fn is_users() -> Result<bool> {
    Ok(Environment::of_user()?.is_some())
}

fn status() -> Result<()> {
    let layout = Layout::of_checkout()?;
    let mut out = io::stdout().lock();
    let mut all = true;
    for name in STARTED.concat() {
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
        if Environment::of_user()?.is_some() {
            bail!(
                "this task works on the cluster that it starts itself; HOPS_TEST_KUBECONFIG names one of your own"
            );
        }
        up()?;
        let layout = Layout::of_checkout()?;
        let slot = layout.slot().context("the cluster was stopped meanwhile")?;
        Ok(Self { layout, slot, tools: Tools::build()? })
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

    /// Starts what does not run. Whether that was anything.
    fn start(&self) -> Result<bool> {
        self.layout.make()?;
        self.layout.remember_boot()?;
        self.link_programs()?;
        network::up(self.slot).context("cannot set up the node's network")?;
        cgroups::make(&network::name(self.slot))?;
        certificates::issue(&self.layout, self.slot).context("cannot issue the cluster's certificates")?;
        let mut changed = false;
        for group in STARTED {
            changed |= self.start_group(group)?;
            if group.contains(&"containerd") {
                pause::build(self).context("cannot build the pods' first image")?;
            }
        }
        Ok(self.become_ready()? || changed)
    }

    fn start_group(&self, names: &[&str]) -> Result<bool> {
        let daemons: Vec<Daemon> = names.iter().map(|name| self.daemon(name)).collect();
        let unwell: Vec<&Daemon> = daemons.iter().filter(|daemon| !daemon.is_well(&self.layout)).collect();
        if unwell.is_empty() {
            return Ok(false);
        }
        let list = unwell.iter().map(|daemon| daemon.name).collect::<Vec<_>>().join(", ");
        progress::step(format!("starting {list}"), || {
            for daemon in &unwell {
                daemon.start(&self.layout)?;
            }
            unwell.iter().try_for_each(|daemon| daemon.wait_ready(&self.layout))
        })?;
        Ok(true)
    }

    fn daemon(&self, name: &str) -> Daemon {
        match name {
            "etcd" => etcd::daemon(self),
            "registry" => registry::daemon(self),
            "registry-of-node" => registry::daemon_of_node(self),
            "buildkitd" => buildkit::daemon(self),
            "containerd" => containerd::daemon(self),
            "kube-apiserver" => control_plane::api_server(self),
            "kube-controller-manager" => control_plane::controller_manager(self),
            "kube-scheduler" => control_plane::scheduler(self),
            "kubelet" => kubelet::kubelet(self),
            "kube-proxy" => kubelet::proxy(self),
            "coredns" => dns::daemon(self),
            "traefik" => ingress::daemon(self),
            _ => unreachable!("`STARTED` names only these"),
        }
    }

    /// The objects every cluster has, and a node that takes pods. Whether it had to be waited for.
    fn become_ready(&self) -> Result<bool> {
        let kubectl = self.kubectl();
        let (node, class) = (format!("node/{}", kubelet::NODE), format!("ingressclass/{}", ingress::CLASS));
        let ready = r#"--output=jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#;
        if kubectl.output(&["get", &node, &class, ready]).is_ok_and(|status| status == "True") {
            return Ok(false);
        }
        progress::step("waiting for the node", || {
            kubectl.apply(&ingress::class())?;
            kubectl.output(&["wait", &node, "--for=create", "--timeout=60s"])?;
            kubectl.output(&["wait", &node, "--for=condition=Ready", "--timeout=120s"])?;
            Ok(true)
        })
        .with_context(|| format!("the node is not ready; see {}", self.layout.log("kubelet").display()))
    }

    /// What people call from their shells, found by name.
    fn link_programs(&self) -> Result<()> {
        for name in ["buildctl", "kubectl"] {
            let program = self.tools.program(name);
            let link = self.layout.bin().join(name);
            if fs::read_link(&link).is_ok_and(|target| target == program) {
                continue;
            }
            let _ = fs::remove_file(&link);
            symlink(program, &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
        Ok(())
    }
}

/// Stops whatever runs, in reverse order, and removes what it made on the machine.
fn stop_all(layout: &Layout) -> Result<()> {
    let Some(slot) = layout.slot() else { return Ok(()) };
    daemon::stop(layout, &GUESTS)?;
    for group in STARTED.iter().rev() {
        // Containers go between who wants them and who runs them: nothing is left that would start one again.
        if group.contains(&"containerd") {
            remains::kill_containers(layout, slot)?;
        }
        daemon::stop(layout, group)?;
    }
    remains::remove(layout, slot)?;
    network::down(slot)?;
    layout.forget(false)
}

fn must_be_root() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "a cluster needs root: containers, network namespaces\nhint: run as root, or set HOPS_TEST_KUBECONFIG to use your own cluster"
        );
    }
    Ok(())
}
