//! A Docker engine that the machine has for its own use, and the images in it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    cluster::Guest,
    http,
    images::{self, Store},
    packages, program, progress,
    tools::Tools,
};

/// Where Docker listens unless something else is said.
const SOCKET: &str = "/var/run/docker.sock";

/// An engine that runs.
pub(super) struct Docker {
    socket: PathBuf,
}

impl Docker {
    /// The engine that the user's own variables name, or that of the machine; installed and started where there is none.
    pub(super) fn ensure(guest: &Guest) -> Result<Self> {
        if let Some(host) = env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()) {
            let Some(path) = host.strip_prefix("unix://") else {
                bail!(
                    "DOCKER_HOST is {host}; this task needs an engine on this machine, at a unix:// address"
                );
            };
            let docker = Self { socket: path.into() };
            docker.must_answer()?;
            return Ok(docker);
        }
        let docker = Self { socket: SOCKET.into() };
        if docker.answers() {
            return Ok(docker);
        }
        packages::install(&[packages::DOCKER])?;
        if Path::new("/run/systemd/system").exists() {
            progress::step("starting Docker: systemctl start docker", || {
                program::output(&mut program::command(["systemctl", "start", "docker"]))
            })?;
            docker.must_answer()?;
        } else {
            // Nothing on this machine would start it.
            let program = program::find("dockerd").context("dockerd is not installed")?;
            guest.start_dockerd(&program, &docker.socket)?;
            progress::say("this machine has no systemd, so `dockerd` was started by hand");
        }
        Ok(docker)
    }

    /// `docker`, talking to this engine.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg(format!("--host=unix://{}", self.socket.display())).args(arguments);
        command
    }

    /// Makes sure that base images are there: as they are published where a registry can be reached, else assembled from
    /// Debian packages. Images of these names that are there already are left alone.
    pub(super) fn ensure_images(&self, names: &[(&str, &str)], folder: &Path) -> Result<()> {
        for (name, tag) in names {
            let image = format!("{name}:{tag}");
            if self.identity(&image).is_some() {
                continue;
            }
            if program::succeeds(&mut self.command(&["pull", "--quiet", &image])) {
                progress::say(format!("pulled {image}"));
                continue;
            }
            progress::say(format!("{image} cannot be pulled here, so it is assembled from Debian packages"));
            packages::install(&[packages::IMAGES])?;
            images::assemble(self, folder, &Tools::none(), &[(*name).to_owned()], &|| true)?;
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        http::is_healthy_at(&self.socket, "/_ping")
    }

    fn must_answer(&self) -> Result<()> {
        let asked = http::request_at(&self.socket, "GET", "/_ping", std::time::Duration::from_secs(10));
        asked.map(drop).with_context(|| {
            format!("Docker does not answer at {}; may this user talk to it?", self.socket.display())
        })
    }
}

impl Store for Docker {
    fn name(&self, owner: &str, name: &str, tag: &str) -> String {
        // `library` is what Docker leaves out.
        if owner == "library" { format!("{name}:{tag}") } else { format!("{owner}/{name}:{tag}") }
    }

    fn identity(&self, name: &str) -> Option<String> {
        let found =
            program::output(&mut self.command(&["image", "inspect", "--format={{.Id}}", name])).ok()?;
        Some(found.trim().to_owned())
    }

    fn build(&self, folder: &Path, names: &[&str]) -> Result<()> {
        let mut build = self.command(&["build", "--force-rm"]);
        for name in names {
            build.arg(format!("--tag={name}"));
        }
        // The engine's classic builder: the newer one needs a plug-in that Debian's package does not have.
        build.env("DOCKER_BUILDKIT", "0").arg(folder);
        program::output(&mut build).map(drop)
    }
}
