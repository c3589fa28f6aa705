//! `hops server`, run beside the cluster that it drives, and the command line that talks to it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    cluster::{Cluster, Daemon, Environment, Network, Port, Ready},
    paths, program, progress,
};

/// How the binary is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the tests build it: ready soonest.
    Dev,
    /// As it is released.
    Release,
}

/// A server that runs, and how to talk to it.
pub(crate) struct Server {
    hops: PathBuf,
    url: String,
    token_file: PathBuf,
}

/// Builds the binary.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    progress::step("building hops (a few minutes the first time)", || {
        let mut cargo = program::command(["cargo", "build", "--package=hops"]);
        if profile == Profile::Release {
            cargo.arg("--release");
        }
        cargo.arg("--message-format=json-render-diagnostics").current_dir(paths::checkout());
        let messages = program::output(&mut cargo)?;
        let mut executables = messages.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message.get("executable")?.as_str().map(Into::into)
        });
        executables.next_back().context("cargo names no executable of the package `hops`")
    })
}

impl Server {
    /// Starts the server with its state in a folder, unless it runs as this binary and configuration would.
    pub(crate) fn start(cluster: &Cluster, hops: &Path, folder: &Path) -> Result<Self> {
        let address = cluster.slot.loopback(Port::Hops);
        let state = folder.join("server");
        let configuration = folder.join("hops.toml");
        let environment = Environment::current()?;
        let kubeconfig = environment.variables().find(|(name, _)| *name == "KUBECONFIG");
        let daemon = Daemon {
            name: "hops-server",
            program: hops.to_owned(),
            arguments: vec!["server".to_owned(), "--config".to_owned(), configuration.display().to_string()],
            variables: kubeconfig.map(|(name, value)| (name, value.to_owned())).into_iter().collect(),
            files: vec![(configuration, settings(cluster, &state))],
            network: Network::Machine,
            ready: Ready::Healthy(address, "/healthz"),
        };
        cluster.run(&daemon)?;
        Ok(Self { hops: hops.to_owned(), url: format!("http://{address}"), token_file: state.join("token") })
    }

    /// The binary.
    pub(crate) fn program(&self) -> &Path {
        &self.hops
    }

    /// What somebody types to log in to this server.
    pub(crate) fn login(&self) -> String {
        format!("{} login {} --token-file {}", self.hops.display(), self.url, self.token_file.display())
    }

    /// A command of the command line, to be run in a folder.
    pub(crate) fn hops(&self, arguments: &[&str], folder: &Path) -> Command {
        let mut command = Command::new(&self.hops);
        command.args(arguments).current_dir(folder);
        command.env("HOPS_SERVER", &self.url).env("HOPS_TOKEN_FILE", &self.token_file);
        command
    }
}

fn settings(cluster: &Cluster, state: &Path) -> String {
    let port = |port| cluster.slot.loopback(port);
    format!(
        "listen = \"{listen}\"\n\
         state_directory = \"{state}\"\n\
         \n\
         [build]\n\
         buildkit = \"{buildkit}\"\n\
         registry = \"{registry}\"\n\
         \n\
         [kubernetes]\n\
         public_scheme = \"http\"\n\
         public_port = {public_port}\n\
         ingress_address = \"{ingress}\"\n",
        listen = port(Port::Hops),
        state = state.display(),
        buildkit = cluster.buildkit(),
        registry = port(Port::Registry),
        public_port = port(Port::Ingress).port(),
        ingress = port(Port::Ingress),
    )
}
