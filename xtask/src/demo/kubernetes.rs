//! The demo on a Kubernetes that it starts.

use std::{net::SocketAddr, path::Path, process::Command};

use anyhow::Result;

use super::{APP, Platform, show_how_it_works, url};
use crate::{
    cluster::{self, Cluster, Port},
    images, progress,
    server::{self, Profile, Server},
};

struct OnKubernetes {
    cluster: Cluster,
    server: Server,
}

pub(super) fn run() -> Result<()> {
    let cluster = Cluster::running()?;
    images::run(&images::Arguments::only(["node", "python"]))?;
    let hops = server::build(Profile::Dev)?;
    let folder = cluster.layout.demo();
    let server = Server::start(&cluster, &hops, &folder)?;
    let platform = OnKubernetes { cluster, server };
    let repository = show_how_it_works(&platform, &folder)?;
    let (host, address) = platform.front();
    progress::say(format!(
        "The example runs at {}\n\
         Its repository is {}: log in once, then change it, commit, and deploy again with\n  \
         {}\n  {hops} deploy\n\
         The server (`hops server`) and the cluster go on running; `cargo xtask demo --kubernetes --stop` ends both",
        url(&host, address),
        repository.folder().display(),
        platform.server.login(),
        hops = platform.server.program().display(),
    ));
    Ok(())
}

pub(super) fn stop() -> Result<()> {
    cluster::down(false)
}

impl Platform for OnKubernetes {
    fn hops(&self, arguments: &[&str], folder: &Path) -> Command {
        self.server.hops(arguments, folder)
    }

    fn front(&self) -> (String, SocketAddr) {
        (format!("web.{APP}.test.localhost"), self.cluster.slot.loopback(Port::Ingress))
    }
}
