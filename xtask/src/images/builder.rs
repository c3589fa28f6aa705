//! Builds into the local registry.

use std::{net::SocketAddr, path::Path, path::PathBuf, process::Command};

use anyhow::Result;

use super::Store;
use crate::{
    cluster::{Cluster, Port},
    http, program,
};

const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// The cluster's BuildKit and registry.
pub(crate) struct Builder {
    buildctl: PathBuf,
    address: String,
    registry: SocketAddr,
}

impl Builder {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Self {
            buildctl: cluster.tools.program("buildctl").to_owned(),
            address: cluster.buildkit(),
            registry: cluster.slot.loopback(Port::Registry),
        }
    }

    /// Whether the registry has an image.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.identity(name).is_some()
    }
}

impl Store for Builder {
    fn name(&self, owner: &str, name: &str, tag: &str) -> String {
        format!("{owner}/{name}:{tag}")
    }

    /// The digest of an image in the registry.
    fn identity(&self, name: &str) -> Option<String> {
        let (path, tag) = name.split_once(':')?;
        let answer =
            http::request(self.registry, "HEAD", &format!("/v2/{path}/manifests/{tag}"), MANIFESTS).ok()?;
        (answer.status == 200).then(|| answer.header("docker-content-digest").map(str::to_owned)).flatten()
    }

    /// Builds and pushes.
    fn build(&self, folder: &Path, names: &[&str]) -> Result<()> {
        let names: Vec<String> = names.iter().map(|name| format!("{}/{name}", self.registry)).collect();
        let mut command = Command::new(&self.buildctl);
        command.args(["--addr", &self.address, "build", "--progress=plain", "--frontend=dockerfile.v0"]);
        for kind in ["context", "dockerfile"] {
            command.arg("--local").arg(format!("{kind}={}", folder.display()));
        }
        // The names are one field of a comma-separated list, hence the quotation marks.
        command.arg(format!("--output=type=image,\"name={}\",push=true", names.join(",")));
        program::output(&mut command).map(drop)
    }
}
