//! The demo on this machine's Docker: `hops up`, and what comes after.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::{APP, Platform, show_how_it_works, url};
use crate::{
    cluster::Guest,
    docker::Docker,
    program, progress,
    server::{self, Profile},
};

/// What the example's Dockerfiles begin with.
const IMAGES: [(&str, &str); 2] = [("node", "18-slim"), ("python", "3.11-slim")];

/// HOPS, run from a folder of the demo's own.
struct Hops {
    program: PathBuf,
    state: PathBuf,
    configuration: PathBuf,
}

struct OnMachine {
    hops: Hops,
    host: String,
    address: SocketAddr,
}

/// Of what `hops up --detach --format json` says.
#[derive(Deserialize)]
struct Summary {
    /// Such as `http://{name}.{environment}.localhost:8080`.
    apps: String,
    server: String,
}

pub(super) fn run() -> Result<()> {
    let guest = Guest::of_demo()?;
    let docker = Docker::ensure(&guest)?;
    // Both take minutes the first time, and one mostly waits for the network.
    let hops = thread::scope(|scope| {
        let images = scope.spawn(|| docker.ensure_images(&IMAGES, &guest.layout.demo()));
        let hops = Hops::build(&guest);
        images.join().unwrap_or_else(|_| bail!("assembling images panicked"))?;
        hops
    })?;
    let summary = hops.up(&docker)?;
    let (host, address) = front(&summary.apps)?;
    let platform = OnMachine { hops, host, address };
    let repository = show_how_it_works(&platform, &guest.layout.demo())?;
    progress::say(format!(
        "The example runs at {}\n\
         Its repository is {}: change it, commit, and deploy again with\n  {} deploy\n\
         The command line is logged in to {}; `hops up` goes on running; `cargo xtask demo --stop` removes it and the example",
        url(&platform.host, address),
        repository.folder().display(),
        platform.hops.program.display(),
        summary.server,
    ));
    Ok(())
}

pub(super) fn stop() -> Result<()> {
    let guest = Guest::of_demo()?;
    if guest.layout.demo().join("state").exists() {
        let hops = Hops::build(&guest)?;
        progress::step("removing the example and stopping HOPS", || {
            program::output(&mut hops.command("down", &["--apps", "--yes"]))
        })?;
        fs::remove_dir_all(guest.layout.demo())?;
    }
    if guest.stop_dockerd()? {
        progress::say("stopped the dockerd that the demo had started");
    }
    Ok(())
}

impl Hops {
    fn build(guest: &Guest) -> Result<Self> {
        let folder = guest.layout.demo();
        let program = server::build(Profile::Dev)?;
        Ok(Self { program, state: folder.join("state"), configuration: folder.join("hops.toml") })
    }

    fn up(&self, docker: &Docker) -> Result<Summary> {
        let folder = self.configuration.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder)?;
        // Everything else is as it is without a file.
        let text = docker.unusual_socket().map_or_else(String::new, |socket| {
            format!("[docker]\nsocket = \"unix://{}\"\n", socket.display())
        });
        fs::write(&self.configuration, text)?;
        progress::say("\n$ hops up --detach");
        let words = program::output(&mut self.command("up", &["--detach", "--format=json"]))?;
        serde_json::from_str(&words).context("`hops up` says what this task does not understand")
    }

    /// A command about the platform on this machine.
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.client(&[name]);
        command.arg("--state").arg(&self.state).arg("--config").arg(&self.configuration).args(arguments);
        command
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // `HOPS_STATE` means another folder to HOPS than to these tasks.
        for name in ["HOPS_STATE", "HOPS_CONFIG", "HOPS_LISTEN", "HOPS_SERVER", "HOPS_TOKEN_FILE"] {
            command.env_remove(name);
        }
        command.args(arguments);
        command
    }
}

impl Platform for OnMachine {
    fn hops(&self, arguments: &[&str], folder: &Path) -> Command {
        let mut command = self.hops.client(arguments);
        command.current_dir(folder);
        command
    }

    fn front(&self) -> (String, SocketAddr) {
        (self.host.clone(), self.address)
    }
}

/// The host of the example's front and the address to ask for it, by what apps are called.
fn front(pattern: &str) -> Result<(String, SocketAddr)> {
    let Some(rest) = pattern.strip_prefix("http://") else {
        bail!("apps are called {pattern}; this task asks in the clear")
    };
    let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "80"));
    let port = port.parse().with_context(|| format!("no port in {pattern}"))?;
    let host = host.replace("{name}", &format!("web.{APP}")).replace("{environment}", "test");
    Ok((host, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
}

#[cfg(test)]
mod tests {
    use super::front;

    #[test]
    fn the_front_is_found_by_the_pattern_of_hosts() {
        let check = |pattern: &str, host: &str, address: &str| {
            assert_eq!(front(pattern).unwrap(), (host.to_owned(), address.parse().unwrap()));
        };
        check("http://{name}.{environment}.localhost", "web.guestbook.test.localhost", "127.0.0.1:80");
        check("http://{name}.{environment}.localhost:8080", "web.guestbook.test.localhost", "127.0.0.1:8080");
        assert!(front("https://{name}.example.com").is_err());
    }
}
