//! What all keepers of a platform work with.

use std::path::Path;

use futures::StreamExt;
use hops_proxy::DrainTimes;
use tokio::{sync::broadcast, task::JoinHandle};

use crate::{
    Settings,
    daemon::{Daemon, DaemonEvent},
    hosts::Hosts,
    ledger::{Ledger, LedgerError},
    secrets::Secrets,
    siblings::Siblings,
};

/// How many events a keeper may lag behind. One that lags further looks at everything again.
const BACKLOG: usize = 1024;

/// The machine, as one platform uses it.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) secrets: Secrets,
    pub(crate) hosts: Hosts,
    pub(crate) siblings: Siblings,
    /// How long requests may go on with containers that left the proxy.
    pub(crate) drain: DrainTimes,
    events: broadcast::Sender<DaemonEvent>,
    pump: JoinHandle<()>,
}

impl Site {
    /// Opens the ledger and begins to listen to the daemon.
    pub(crate) fn open(
        daemon: Daemon,
        settings: Settings,
        directory: &Path,
        routes: hops_proxy::Routes,
        drain: DrainTimes,
    ) -> Result<Self, LedgerError> {
        let ledger = Ledger::open(&directory.join("ledger"))?;
        let (events, _) = broadcast::channel(BACKLOG);
        let mut stream = daemon.events();
        let sender = events.clone();
        let pump = tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                // Nobody listens while there are no containers.
                let _ = sender.send(event);
            }
        });
        let hosts = Hosts::new(routes, settings.redirect.into());
        let secrets = Secrets::below(directory);
        let siblings = Siblings::new(directory.join("names"));
        Ok(Self { daemon, settings, ledger, secrets, hosts, siblings, drain, events, pump })
    }

    /// What happens to containers from now on.
    pub(crate) fn happenings(&self) -> broadcast::Receiver<DaemonEvent> {
        self.events.subscribe()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.pump.abort();
    }
}
