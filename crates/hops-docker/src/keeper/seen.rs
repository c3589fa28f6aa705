//! What is seen of an instance.

use std::net::SocketAddr;

use hops_model::{ApplingName, ReleaseNumber};
use jiff::Timestamp;

use super::view::{Asked, Exit, Stage, Told, View};
use crate::{
    daemon::{Container, ContainerState, Instance, InstanceId},
    labels::Role,
    probe::Answer,
};

/// What is seen of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: InstanceId,
    pub(super) release: ReleaseNumber,
    pub(super) view: View,
    /// Where it listens, once it has an address.
    pub(super) address: Option<SocketAddr>,
    pub(super) created_at: Option<Timestamp>,
    /// Whether its path was asked for, or something stands in the way of it.
    pub(super) is_settled: bool,
}

impl Seen {
    /// Takes in what the daemon tells.
    pub(super) fn see(&mut self, instance: Option<&Instance>, offset: u32, port: u16) {
        let Some(instance) = instance else { return };
        self.id.clone_from(&instance.id);
        self.address = instance.address.map(|address| SocketAddr::new(address, port));
        self.created_at = instance.app().and_then(|app| app.created_at);
        // A restart that is yet to come is none.
        let done = |container: &Container| {
            container.restarts
                - u32::from(container.state == ContainerState::Restarting).min(container.restarts)
        };
        self.view.restarts = offset + instance.containers.iter().map(done).sum::<u32>();
        // Told at once with the restart: the one without the other would look like a second end.
        if self.view.stage == Stage::Exited && instance.containers.iter().all(Container::is_running) {
            self.view.stage = Stage::Running;
        }
        let ended = |container: &&Container| !container.is_running() && container.exit_code.is_some();
        if let Some(container) = instance.containers.iter().find(ended)
            && container.state == ContainerState::Restarting
        {
            let (sidecar, code) = (sidecar(&container.role), container.exit_code.unwrap_or_default());
            // The kernel's word comes by the events, and not always in time for what the daemon says of the container.
            let was_told =
                self.view.exit.as_ref().is_some_and(|exit| {
                    exit.is_out_of_memory && (exit.code, &exit.sidecar) == (code, &sidecar)
                });
            let is_out_of_memory = container.is_out_of_memory || was_told;
            self.view.exit = Some(Exit { sidecar, code, is_out_of_memory });
        }
    }

    /// Takes in an answer.
    pub(super) fn hear(&mut self, is_ready: bool, asked: Asked, answer: Answer) {
        self.view.stage = if is_ready { Stage::Ready } else { Stage::Running };
        self.view.told = (!answer.is_good()).then_some(Told { asked, answer });
        self.is_settled = true;
    }
}

/// The sidecar that a container is; none for the appling's own.
pub(super) fn sidecar(role: &Role) -> Option<ApplingName> {
    match role {
        Role::App => None,
        Role::Sidecar(name) => Some(name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::next::tests::instance;

    fn seen(stage: Stage) -> Seen {
        let id = InstanceId { name: "web-1".to_owned(), sidecars: Vec::new() };
        let view = View { stage, ..View::new(id.name.clone()) };
        Seen { id, release: ReleaseNumber(1), view, address: None, created_at: None, is_settled: false }
    }

    #[test]
    fn a_restart_that_is_yet_to_come_is_none() {
        let (mut seen, running) = (seen(Stage::Exited), (ContainerState::Running, 1));
        let mut found = instance(running, (ContainerState::Restarting, 2));
        found.containers[1].restarts = 1;
        found.containers[1].exit_code = Some(7);
        seen.see(Some(&found), 0, 80);
        assert_eq!((seen.view.restarts, &seen.view.stage), (0, &Stage::Exited));
        assert_eq!(seen.view.exit.as_ref().map(|exit| exit.code), Some(7));

        found.containers[1].state = ContainerState::Running;
        seen.see(Some(&found), 0, 80);
        assert_eq!((seen.view.restarts, &seen.view.stage), (1, &Stage::Running));
    }

    #[test]
    fn restarts_that_the_daemon_forgot_are_counted() {
        let mut seen = seen(Stage::Running);
        let mut found = instance((ContainerState::Running, 1), (ContainerState::Running, 2));
        found.containers[0].restarts = 2;
        seen.see(Some(&found), 3, 80);
        assert_eq!(seen.view.restarts, 5);
    }

    #[test]
    fn an_address_is_that_of_the_container_with_the_applings_port() {
        let mut seen = seen(Stage::Running);
        let mut found = instance((ContainerState::Running, 1), (ContainerState::Running, 2));
        found.address = Some([10, 0, 0, 2].into());
        seen.see(Some(&found), 0, 3030);
        assert_eq!(seen.address, Some(([10, 0, 0, 2], 3030).into()));
    }
}
