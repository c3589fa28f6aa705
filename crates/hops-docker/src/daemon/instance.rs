//! What runs, as the daemon tells it.

use std::{fmt, net::IpAddr};

use hops_model::{ApplingName, DesiredAppling, ReleaseNumber, Target};
use jiff::Timestamp;

use crate::{labels::Role, names, render::Form};

/// A container's id on the daemon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContainerId(pub(crate) String);

/// Names an instance: the container of an appling and its sidecars.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InstanceId {
    /// The name of the appling's own container.
    pub(crate) name: String,
    /// The sidecars, in the order of starting.
    pub(crate) sidecars: Vec<ApplingName>,
}

/// An instance, as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) target: Target,
    pub(crate) appling: ApplingName,
    /// The release in which it took its form.
    pub(crate) release: ReleaseNumber,
    /// Which of the appling's instances, from 1.
    pub(crate) replica: u16,
    /// The form that it was made in.
    pub(crate) form: Form,
    /// Its address on the network of its app; none while it does not run.
    pub(crate) address: Option<IpAddr>,
    /// Its containers in the order of starting, the appling's own last. One that was removed by hand is missing.
    pub(crate) containers: Vec<Container>,
}

/// A container, as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) id: ContainerId,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) state: ContainerState,
    /// The image's id.
    pub(crate) image: String,
    /// How often the daemon started its process again by itself.
    pub(crate) restarts: u32,
    /// When it was made.
    pub(crate) created_at: Option<Timestamp>,
    /// When its present or last process started.
    pub(crate) started_at: Option<Timestamp>,
    /// When its last process ended; of one that runs, the one before.
    pub(crate) finished_at: Option<Timestamp>,
    /// How its last process ended, once one has.
    pub(crate) exit_code: Option<i64>,
    /// Whether its last process took more memory than it may.
    pub(crate) is_out_of_memory: bool,
    /// Why the daemon could not start it, in its own words.
    pub(crate) start_error: Option<String>,
    /// Its first process, as the host numbers it, while it runs.
    pub(crate) pid: Option<u32>,
    /// The container whose network it shares.
    pub(crate) joins: Option<ContainerId>,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContainerState {
    /// Never started.
    Created,
    /// Its process runs.
    Running,
    /// Its process ended, and the daemon will start it again.
    Restarting,
    /// Its process ended, and the daemon will leave it at that.
    Exited,
    /// Stopped in its tracks by somebody (`docker pause`).
    Paused,
    /// On its way out.
    Removing,
}

impl InstanceId {
    /// The name of one of its containers.
    pub(crate) fn container(&self, role: &Role) -> String {
        names::container(&self.name, role)
    }

    /// Its containers' roles in the order of starting.
    pub(crate) fn roles(&self) -> impl DoubleEndedIterator<Item = Role> {
        self.sidecars.iter().cloned().map(Role::Sidecar).chain([Role::App])
    }
}

impl Instance {
    /// The appling's own container; none where somebody removed it.
    pub(crate) fn app(&self) -> Option<&Container> {
        self.container(&Role::App)
    }

    /// When its own container was made, or was started for the first time: by a start that the daemon does not count as
    /// one again, such as after it was away itself.
    pub(crate) fn began_at(&self) -> Option<Timestamp> {
        let app = self.app()?;
        app.started_at.filter(|_| app.restarts == 0).max(app.created_at)
    }

    /// A container by its role.
    pub(crate) fn container(&self, role: &Role) -> Option<&Container> {
        self.containers.iter().find(|container| container.role == *role)
    }

    /// The container whose network the others share.
    pub(crate) fn owner(&self) -> Option<&Container> {
        self.containers.iter().find(|container| container.joins.is_none())
    }

    /// Whether every container that the form has is there.
    pub(crate) fn is_whole(&self, form: &DesiredAppling) -> bool {
        let sidecars = form.sidecars.iter().map(|sidecar| &sidecar.name);
        self.app().is_some() && self.id.sidecars.iter().eq(sidecars)
    }

    /// Containers that share a network which is gone: it went with the process of its owner, which was started again
    /// after they were. They have to be restarted.
    pub(crate) fn cut_off(&self) -> impl Iterator<Item = &Container> {
        let owner = self.owner();
        self.containers.iter().filter(move |container| match (&container.joins, owner) {
            (None, _) => false,
            (Some(joined), Some(owner)) if *joined == owner.id => {
                container.state == ContainerState::Running && container.started_at < owner.started_at
            }
            (Some(_), _) => true,
        })
    }
}

impl Container {
    /// Whether its process runs.
    pub(crate) fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
