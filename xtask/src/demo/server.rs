//! `hops server`, beside the cluster that it drives.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::show_words;
use crate::cluster::{Cluster, Daemon, Environment, Network, Port, Ready};

pub(super) struct Server {
    hops: PathBuf,
    url: String,
    token_file: PathBuf,
}

impl Server {
    /// Starts the server, unless it runs as this binary and configuration would.
    pub(super) fn start(cluster: &Cluster, hops: &Path) -> Result<Self> {
        let address = cluster.slot.loopback(Port::Hops);
        let state = cluster.layout.demo().join("server");
        let configuration = cluster.layout.demo().join("hops.toml");
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

    /// Runs a command of the command line in a folder, its words shown as they come.
    pub(super) fn hops(&self, arguments: &[&str], folder: &Path) -> Result<()> {
        let mut command = Command::new(&self.hops);
        command.args(arguments).current_dir(folder);
        command.env("HOPS_SERVER", &self.url).env("HOPS_TOKEN_FILE", &self.token_file);
        show_words(&mut command)
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
         public_port = {ingress}\n",
        listen = port(Port::Hops),
        state = state.display(),
        buildkit = cluster.buildkit(),
        registry = port(Port::Registry),
        ingress = port(Port::Ingress).port(),
    )
}
