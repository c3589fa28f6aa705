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

use std::{collections::HashMap, sync::Arc};

use bollard::{Docker, errors::Error};
use hops_engine::EngineError;
use tokio::time::Instant;

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
    /// When an image was last used again, by its id; held while it is decided of one whether it stays. Docker itself does not
    /// note such a use.
    images: tokio::sync::Mutex<HashMap<String, Instant>>,
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

    /// When images were last used again, by their ids. Held while it is decided of an image whether it stays.
    pub(crate) async fn images_in_use(&self) -> tokio::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.0.images.lock().await
    }

    /// Turns a client's error into the engine's; `action` completes "could not …".
    pub(crate) fn error(&self, action: impl Into<String>, error: Error) -> EngineError {
        error::engine_error(&self.0.address, action, error)
    }
}

#[cfg(test)]
pub(crate) mod tests;
