//! Two Docker engines side by side: this machine's own, which on Debian 12 is 20.10, and the current one.
//!
//! Each has everything of its own: network namespace, containerd, data, sockets, control group. Neither meets the other,
//! nor a Docker engine that the machine runs anyway.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{
    Cluster, Slot, cgroups,
    daemon::{self, Daemon, Network, Ready},
    layout::Layout,
    network::Namespace,
    registry,
    remains::{self, Runtime},
    slot::Port,
};
use crate::{http, program, progress};

/// Arguments of `cargo xtask docker`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install, build and start what is missing, and wait until both engines work
    Up,
    /// Stop both engines and remove their containers; images and build cache are kept for the next `up`
    Down,
    /// What runs, and where
    Status,
    /// Stop one engine's daemon and start it again; its containers go on (`live-restore`)
    Restart {
        engine: Engine,
        /// End it as a failure would
        #[arg(long)]
        kill: bool,
    },
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// The one in PATH: Debian's docker.io
    Old,
    /// The current one, built from its Go modules
    New,
}

/// How long an engine may take to remove a container.
const REMOVED_WITHIN: Duration = Duration::from_mins(1);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.task {
        Task::Up => {
            super::set_of_tests(false)?;
            super::up_docker()?;
            progress::say(super::HINT);
            Ok(())
        }
        Task::Down => super::down_docker(),
        Task::Status => status(&Layout::of_checkout()?),
        Task::Restart { engine, kill } => super::restart_docker(*engine, *kill),
    }
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Old, Self::New];

    pub(super) fn namespace(self, slot: Slot) -> Namespace {
        Namespace::of_docker(slot, self.name(), self.number())
    }

    /// The names of its daemons, in the order of starting; the last is the engine itself.
    pub(super) fn daemons(self) -> [&'static str; 3] {
        match self {
            Self::Old => ["registry-of-old", "containerd-old", "docker-old"],
            Self::New => ["registry-of-new", "containerd-new", "docker-new"],
        }
    }

    /// Where it listens.
    pub(crate) fn socket(self, layout: &Layout) -> PathBuf {
        layout.run(&format!("docker-{}.sock", self.name()))
    }

    /// Where a container may have its address.
    pub(crate) fn pool(self, slot: Slot) -> String {
        slot.docker_pool(self.number())
    }

    /// Starts what does not run. Whether that was anything.
    pub(super) fn start(self, cluster: &Cluster) -> Result<bool> {
        let namespace = self.namespace(cluster.slot);
        namespace.up().with_context(|| format!("cannot set up the network {}", namespace.name))?;
        cgroups::make(&namespace.name)?;
        let [registry, containerd, engine] = self.daemons();
        let first = [
            registry::daemon_of(cluster, registry, &namespace),
            self.containerd(cluster, containerd, &namespace),
        ];
        let is_cold = !daemon::is_running(&cluster.layout, containerd);
        let changed = cluster.start_daemons(&first)? | self.start_engine(cluster, engine, &namespace)?;
        if is_cold {
            // Those of an engine that ended without being told to; it would start some of them again.
            self.remove_containers(&cluster.layout)?;
        }
        Ok(changed)
    }

    fn start_engine(self, cluster: &Cluster, name: &'static str, namespace: &Namespace) -> Result<bool> {
        if !daemon::is_running(&cluster.layout, name) {
            // Left by one that was killed, and believed as long as nobody has buried that process.
            let _ = fs::remove_file(self.pid_file(&cluster.layout));
        }
        cluster.start_daemons(&[self.dockerd(cluster, name, namespace)])
    }

    /// Stops it with all its containers, and removes what it made on the machine.
    pub(super) fn stop(self, layout: &Layout, slot: Slot) -> Result<()> {
        if daemon::is_running(layout, self.daemons()[2]) {
            // By the engine itself, so that it forgets them: it would start some again at its next start.
            self.remove_containers(layout)?;
        }
        let namespace = self.namespace(slot);
        let [registry, containerd, engine] = self.daemons();
        daemon::stop(layout, &[engine])?;
        remains::kill_containers(&Runtime {
            group: namespace.name.clone(),
            socket: self.run(layout).join("containerd.sock"),
            state: self.run(layout).join("containerd"),
            user: "moby",
        })?;
        daemon::stop(layout, &[registry, containerd])?;
        remains::unmount_below(&self.run(layout))?;
        remains::unmount_below(&self.folder(layout))?;
        cgroups::remove(&namespace.name)?;
        namespace.down()
    }

    /// Makes its daemon anew, while containers run.
    pub(super) fn restart(self, cluster: &Cluster, kill: bool) -> Result<()> {
        let [.., engine] = self.daemons();
        if kill {
            daemon::kill(&cluster.layout, engine)?;
        } else {
            daemon::stop(&cluster.layout, &[engine])?;
        }
        self.start_engine(cluster, engine, &self.namespace(cluster.slot)).map(drop)
    }

    fn remove_containers(self, layout: &Layout) -> Result<()> {
        let socket = self.socket(layout);
        let request = |method, path: &str| http::request_at(&socket, method, path, REMOVED_WITHIN);
        let containers: Vec<Value> = serde_json::from_str(&request("GET", "/containers/json?all=true")?)?;
        for id in containers.iter().filter_map(|container| container["Id"].as_str()) {
            // One that removes itself meanwhile is no failure; one that stays is killed with the control group.
            let _ = request("DELETE", &format!("/containers/{id}?force=true&v=true"));
        }
        request("POST", "/networks/prune").map(drop)
    }

    /// What people know it as.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Old => "Debian's Docker",
            Self::New => "the current Docker",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Old => 0,
            Self::New => 1,
        }
    }

    /// Images, build cache.
    fn folder(self, layout: &Layout) -> PathBuf {
        layout.folder(&format!("docker-{}", self.name()))
    }

    /// Sockets, and what only running containers need. The path is short because the engine makes sockets deep below.
    fn run(self, layout: &Layout) -> PathBuf {
        layout.run(self.name())
    }

    fn pid_file(self, layout: &Layout) -> PathBuf {
        self.run(layout).join("docker.pid")
    }

    fn containerd(self, cluster: &Cluster, name: &'static str, namespace: &Namespace) -> Daemon {
        let run = self.run(&cluster.layout);
        let configuration = cluster.layout.configuration(&format!("{name}.toml"));
        let settings = format!(
            r#"version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]

[grpc]
address = "{socket}"
"#,
            root = self.folder(&cluster.layout).join("containerd").display(),
            state = run.join("containerd").display(),
            socket = run.join("containerd.sock").display(),
        );
        Daemon {
            name,
            program: match self {
                Self::Old => "containerd".into(),
                Self::New => cluster.tools.program("containerd").to_owned(),
            },
            arguments: vec![format!("--config={}", configuration.display())],
            variables: self.variables(cluster),
            files: vec![(configuration, settings)],
            network: Network::Of(namespace.name.clone()),
            ready: Ready::AcceptsAt(run.join("containerd.sock")),
        }
    }

    fn dockerd(self, cluster: &Cluster, name: &'static str, namespace: &Namespace) -> Daemon {
        let (layout, slot) = (&cluster.layout, cluster.slot);
        let (run, socket) = (self.run(layout), self.socket(layout));
        let configuration = layout.configuration(&format!("{name}.json"));
        let mut settings = json!({
            "hosts": [format!("unix://{}", socket.display())],
            "data-root": self.folder(layout).join("data"),
            "exec-root": run.join("x"),
            "pidfile": self.pid_file(layout),
            "containerd": run.join("containerd.sock"),
            "cgroup-parent": format!("/{}", namespace.name),
            "bip": slot.docker_bridge(self.number()),
            "default-address-pools": [{ "base": self.pool(slot), "size": 26 }],
            "live-restore": true,
            "registry-mirrors": [format!("http://{}", slot.loopback(Port::Registry))],
            "builder": { "gc": { "enabled": true, "defaultKeepStorage": "5GB" } },
        });
        match self {
            // Without CAP_SYS_RESOURCE it cannot lower its score, which it would by itself.
            Self::Old => settings["oom-score-adjust"] = json!(0),
            Self::New => {
                settings["userland-proxy"] = json!(false);
                // From outside of its network, the proxy of the tests asks containers at their own addresses.
                settings["allow-direct-routing"] = json!(true);
            }
        }
        Daemon {
            name,
            program: match self {
                Self::Old => "dockerd".into(),
                Self::New => cluster.tools.program("dockerd").to_owned(),
            },
            arguments: vec![format!("--config-file={}", configuration.display())],
            variables: self.variables(cluster),
            files: vec![(configuration, settings.to_string())],
            network: Network::Of(namespace.name.clone()),
            ready: Ready::HealthyAt(socket, "/_ping"),
        }
    }

    /// The current engine needs a runc and a containerd-shim of its own time, and looks for them by name.
    fn variables(self, cluster: &Cluster) -> Vec<(&'static str, String)> {
        if self == Self::Old {
            return Vec::new();
        }
        let own = ["containerd", "runc"].map(|name| cluster.tools.folder(name).to_owned());
        let path = own.into_iter().chain(program::folders());
        let path = std::env::join_paths(path).expect("folders of PATH and of the cache have no colon");
        vec![("PATH", path.to_string_lossy().into_owned())]
    }
}

/// Whether any part of this checkout's engines runs.
pub(crate) fn is_running(layout: &Layout) -> bool {
    Engine::ALL.iter().any(|engine| engine.daemons().iter().any(|name| daemon::is_running(layout, name)))
}

fn status(layout: &Layout) -> Result<()> {
    let mut out = io::stdout().lock();
    for engine in Engine::ALL {
        let socket = engine.socket(layout);
        let version = http::request_at(&socket, "GET", "/version", Duration::from_secs(5));
        let version: Option<Value> = version.ok().and_then(|text| serde_json::from_str(&text).ok());
        let says = match &version {
            Some(version) => format!(
                "Docker {}, API {}, at {}",
                version["Version"].as_str().unwrap_or_default(),
                version["ApiVersion"].as_str().unwrap_or_default(),
                socket.display()
            ),
            None => "stopped".to_owned(),
        };
        writeln!(out, "{:24} {says}", engine.name())?;
    }
    if !Engine::ALL.iter().all(|engine| daemon::is_running(layout, engine.daemons()[2])) {
        progress::say("hint: `cargo xtask docker up` starts what is missing");
    }
    Ok(())
}
