//! The Docker daemon: what HOPS asks of it. Nothing here decides what is to run.

mod connect;
mod create;
mod events;
mod instance;
mod instances;
mod listeners;
mod machine;
mod run;
mod words;

use std::sync::Arc;

use bollard::{Docker, errors::Error};
use hops_engine::EngineError;

pub use connect::ConnectError;
pub(crate) use events::{AbortOnDrop, DaemonEvent, Subject};
pub(crate) use instance::{Container, ContainerId, ContainerState, Instance, InstanceId};
pub(crate) use listeners::Listener;
pub(crate) use machine::Machine;
pub(crate) use words::init_failure;

use crate::{Settings, error};

/// The daemon. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Daemon(Arc<Connection>);

struct Connection {
    client: Docker,
    /// Where it listens, for messages.
    address: String,
    settings: Settings,
    machine: Machine,
    /// Networks are made one at a time: names of networks are not unique to the daemon, and each takes the next subnet.
    networks: tokio::sync::Mutex<()>,
}

impl Daemon {
    /// The machine that the daemon runs on.
    pub(crate) fn machine(&self) -> &Machine {
        &self.0.machine
    }

    pub(crate) fn client(&self) -> &Docker {
        &self.0.client
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn platform(&self) -> &str {
        &self.0.settings.platform
    }

    /// Held while networks are made.
    pub(crate) async fn making_networks(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.networks.lock().await
    }

    /// Turns a client's error into the engine's; `action` completes "could not …".
    pub(crate) fn error(&self, action: impl Into<String>, error: Error) -> EngineError {
        error::engine_error(&self.0.address, action, error)
    }
}

#[cfg(test)]
mod tests;
