//! Where the apps of a test run, and how that is seen by hand.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use hops_testkit::{Daemons, DockerEngine, address};

/// A kind of platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// `hops server` and a cluster.
    Kubernetes,
    /// `hops up` and a Docker engine.
    Docker(Generation),
}

/// Which Docker engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The oldest that HOPS works with.
    Old,
    /// The current one.
    New,
}

/// A kind of platform, and what makes this one of them different from those of other tests.
pub(crate) enum Site {
    Kubernetes,
    Docker {
        engine: DockerEngine,
        /// Tells its containers from those of other tests.
        name: String,
        /// Where apps are called by plain HTTP.
        entrance: SocketAddr,
    },
}

impl Engine {
    /// The Docker engine that is enough where both are alike.
    pub(crate) const DOCKER: Self = Self::Docker(Generation::New);

    /// A site of its own.
    pub(crate) fn site(self) -> Site {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let engine = match self {
            Self::Kubernetes => return Site::Kubernetes,
            Self::Docker(Generation::Old) => DockerEngine::old().unwrap(),
            Self::Docker(Generation::New) => DockerEngine::new().unwrap(),
        };
        let name = format!("e2e-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Site::Docker { engine, name, entrance: address::own_socket().unwrap() }
    }
}

impl Site {
    /// The command that runs the platform.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Kubernetes => "server",
            Self::Docker { .. } => "up",
        }
    }

    /// Its configuration.
    pub(crate) fn configuration(&self, listen: SocketAddr, state: &Path) -> String {
        let begin = format!("listen = \"{listen}\"\nstate_directory = \"{}\"\n", state.display());
        match self {
            Self::Kubernetes => {
                let (daemons, ingress) = (Daemons::get().unwrap(), Daemons::ingress().unwrap());
                format!(
                    "{begin}\
                     [build]\n\
                     buildkit = \"{}\"\n\
                     registry = \"{}\"\n\
                     [kubernetes]\n\
                     public_scheme = \"http\"\n\
                     public_port = {}\n\
                     ingress_address = \"{ingress}\"\n",
                    daemons.buildkit,
                    daemons.registry,
                    ingress.port(),
                )
            }
            Self::Docker { engine, name, entrance } => format!(
                "{begin}\
                 [ports]\n\
                 http = \"{entrance}\"\n\
                 https = \"127.0.0.1:0\"\n\
                 server_host = \"hops.localhost\"\n\
                 [docker]\n\
                 socket = \"{}\"\n\
                 platform = \"{name}\"\n\
                 subnets = [\"{}\"]\n",
                engine.socket, engine.pool,
            ),
        }
    }

    /// Where apps are called by plain HTTP.
    pub(crate) fn entrance(&self) -> SocketAddr {
        match self {
            Self::Kubernetes => Daemons::ingress().unwrap(),
            Self::Docker { entrance, .. } => *entrance,
        }
    }

    /// What runs of an app in `test`: a line each, which changes where one is replaced or started again.
    pub(crate) fn instances(&self, app: &str) -> String {
        match self {
            Self::Kubernetes => {
                let columns = "jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].restartCount}{\"\\n\"}{end}";
                let running = "--field-selector=status.phase=Running";
                said(kubectl().args([
                    "--namespace",
                    &namespace(app),
                    "get",
                    "pods",
                    running,
                    "--output",
                    columns,
                ]))
            }
            Self::Docker { .. } => {
                let label = format!("label=hops/app={app}");
                let ids = self.docker(&["ps", "--quiet", "--no-trunc", "--filter", &label]);
                let mut ids: Vec<&str> = ids.lines().collect();
                ids.sort_unstable();
                let format = "{{.Id}} {{.State.StartedAt}} {{.State.Pid}}";
                self.docker(&[&["inspect", "--format", format], ids.as_slice()].concat())
            }
        }
    }

    /// Does by hand what an operator would do; nothing of other platforms is seen in lists.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let Self::Docker { engine, name, .. } = self else { panic!("there is no Docker here") };
        let mut docker = Command::new("docker");
        docker.args(["--host", &engine.socket]).args(arguments);
        if arguments.first() == Some(&"ps") {
            docker.arg("--filter").arg(format!("label=hops/platform={name}"));
        }
        said(&mut docker)
    }

    /// Removes what a test that failed has left of these apps.
    pub(crate) fn clean(&self, apps: &BTreeSet<String>) {
        let Self::Docker { engine, name, .. } = self else {
            // A test that passes removes its apps, and shows that they can be.
            if std::thread::panicking() && !apps.is_empty() {
                let mut delete = kubectl();
                delete.args(["delete", "namespace", "--wait=false", "--ignore-not-found"]);
                let _ = delete.args(apps.iter().map(|app| namespace(app))).output();
            }
            return;
        };
        let docker = |arguments: &[&str]| {
            let mut docker = Command::new("docker");
            let output = docker.args(["--host", &engine.socket]).args(arguments).output();
            output
                .map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let label = format!("label=hops/platform={name}");
        for id in docker(&["ps", "--all", "--quiet", "--filter", &label]).lines() {
            docker(&["rm", "--force", "--volumes", id]);
        }
        for id in docker(&["network", "ls", "--quiet", "--filter", &label]).lines() {
            docker(&["network", "rm", id]);
        }
    }
}

/// Where an app runs in `test`, the only environment in which tests deploy.
fn namespace(app: &str) -> String {
    format!("apps-{app}-test")
}

/// `kubectl` of the test cluster.
pub(crate) fn kubectl() -> Command {
    let program = std::env::var_os("HOPS_TEST_BIN").map(|bin| Path::new(&bin).join("kubectl"));
    Command::new(program.unwrap_or_else(|| "kubectl".into()))
}

/// What a program that has to succeed says.
pub(crate) fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
