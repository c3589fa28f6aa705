//! What the demo runs on the machine itself, beside no cluster.

use std::path::Path;

use anyhow::Result;

use super::{
    daemon::{self, Daemon, Network, Ready},
    layout::Layout,
};
use crate::progress;

/// The folder of the demo, and the daemon that it may have to start.
pub(crate) struct Guest {
    pub(crate) layout: Layout,
}

const DOCKERD: &str = "dockerd";

impl Guest {
    pub(crate) fn of_demo() -> Result<Self> {
        Ok(Self { layout: Layout::of_demo()? })
    }

    /// Starts the machine's own Docker as its package would, and waits until it answers.
    pub(crate) fn start_dockerd(&self, program: &Path, socket: &Path) -> Result<()> {
        self.layout.make()?;
        let daemon = Daemon {
            name: DOCKERD,
            program: program.to_owned(),
            arguments: vec![format!("--host=unix://{}", socket.display())],
            variables: Vec::new(),
            files: Vec::new(),
            network: Network::Machine,
            ready: Ready::HealthyAt(socket.to_owned(), "/_ping"),
        };
        if daemon.is_well(&self.layout) {
            return Ok(());
        }
        progress::step("starting dockerd", || {
            daemon.start(&self.layout)?;
            daemon.wait_ready(&self.layout)
        })
    }

    /// Stops it, if it was started here. Whether it was.
    pub(crate) fn stop_dockerd(&self) -> Result<bool> {
        let was_started = daemon::is_running(&self.layout, DOCKERD);
        daemon::stop(&self.layout, &[DOCKERD])?;
        Ok(was_started)
    }
}
