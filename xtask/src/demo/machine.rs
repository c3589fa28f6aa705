//! The demo on this machine's Docker: `hops up`, and what comes after.

use std::{fs, net::SocketAddr, path::Path, process::Command, thread};

use anyhow::{Result, bail};

use super::{APP, Platform, engine::Docker, show_how_it_works, url};
use crate::{
    cluster::Guest,
    machine::{Hops, Summary},
    progress,
    server::{self, Profile},
};

/// What the example's Dockerfiles begin with.
const IMAGES: [(&str, &str); 2] = [("node", "18-slim"), ("python", "3.11-slim")];

struct OnMachine {
    hops: Hops,
    summary: Summary,
    host: String,
    address: SocketAddr,
}

pub(super) fn run() -> Result<()> {
    let guest = Guest::of_demo()?;
    let folder = guest.layout.demo();
    let docker = Docker::ensure(&guest)?;
    // Both take minutes the first time, and one mostly waits for the network.
    let hops = thread::scope(|scope| {
        let images = scope.spawn(|| docker.ensure_images(&IMAGES, &folder));
        let hops = server::build(Profile::Dev);
        images.join().unwrap_or_else(|_| bail!("assembling images panicked"))?;
        hops
    })?;
    let hops = Hops::new(hops, &folder);
    progress::say("\n$ hops up --detach");
    // As it is without a configuration. DOCKER_HOST, where it is set, says the same to HOPS as to this task.
    let summary = hops.up("")?;
    for note in &summary.notes {
        progress::say(note);
    }
    let (host, address) = summary.host(&format!("web.{APP}"), "test")?;
    let platform = OnMachine { hops, summary, host, address };
    let repository = show_how_it_works(&platform, &folder)?;
    progress::say(format!(
        "The example runs at {}\nIts repository is {}: change it, commit, and deploy again with\n  {} deploy",
        url(&platform.host, address),
        repository.folder().display(),
        platform.hops.program().display(),
    ));
    for next in &platform.summary.next {
        progress::say(format!("hint: {next}"));
    }
    progress::say(format!(
        "The server at {} goes on running (`hops up`); `cargo xtask demo --stop` removes it and the example",
        platform.summary.server
    ));
    Ok(())
}

pub(super) fn stop() -> Result<()> {
    let guest = Guest::of_demo()?;
    let folder = guest.layout.demo();
    let hops = Hops::new(server::build(Profile::Dev)?, &folder);
    if hops.has_state() {
        progress::step("removing the example and stopping HOPS", || hops.down())?;
        fs::remove_dir_all(&folder)?;
    }
    if guest.stop_dockerd()? {
        progress::say("stopped the dockerd that the demo had started");
    }
    Ok(())
}

impl Platform for OnMachine {
    fn hops(&self, arguments: &[&str], folder: &Path) -> Command {
        let mut command = self.hops.client(&self.summary.server, arguments);
        command.current_dir(folder);
        command
    }

    fn front(&self) -> (String, SocketAddr) {
        (self.host.clone(), self.address)
    }
}
