//! What an instance needs next, from what the daemon tells of it. Pure.

use hops_model::DesiredAppling;
use jiff::Timestamp;

use crate::{
    daemon::{ContainerState, Instance},
    labels::Role,
};

/// What to do about an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Make the containers that are not there.
    Create,
    /// Start this one.
    Start(Role),
    /// Stop this one and start it again: the network that it shares is gone.
    Restart(Role),
    /// Wait until this sidecar's startup path answers.
    AskSidecar(Role),
    /// The daemon will start this one again, or somebody has paused it: wait until something happens.
    Wait(Role),
    /// All run: ask whether it takes requests.
    Ask,
}

/// A sidecar's process, of which the startup path has answered.
pub(super) type Worked = Vec<(Role, Option<Timestamp>)>;

/// Decides. `worked` are sidecars that are known to work.
pub(super) fn next(instance: Option<&Instance>, form: &DesiredAppling, worked: &Worked) -> Next {
    let Some(instance) = instance.filter(|instance| instance.is_whole(form)) else { return Next::Create };
    for container in &instance.containers {
        match container.state {
            ContainerState::Removing => return Next::Create,
            ContainerState::Created | ContainerState::Exited => return Next::Start(container.role.clone()),
            ContainerState::Restarting | ContainerState::Paused => return Next::Wait(container.role.clone()),
            ContainerState::Running => {}
        }
        if instance.cut_off().any(|cut_off| cut_off.id == container.id) {
            return Next::Restart(container.role.clone());
        }
        let Role::Sidecar(name) = &container.role else { continue };
        let asks = form.sidecars.iter().any(|sidecar| sidecar.name == *name && sidecar.startup.is_some());
        let is_up = |state| matches!(state, ContainerState::Running | ContainerState::Restarting);
        // An app that is up has seen its sidecar work.
        if asks
            && !instance.app().is_some_and(|app| is_up(app.state))
            && !worked.contains(&(container.role.clone(), container.started_at))
        {
            return Next::AskSidecar(container.role.clone());
        }
    }
    Next::Ask
}

#[cfg(test)]
pub(super) mod tests {
    use hops_model::{
        AppName, ApplingName, Environment, HttpPath, Port, ReleaseNumber, Target, app::Resources,
        desired::Sidecar,
    };

    use super::*;
    use crate::{
        daemon::{Container, ContainerId, InstanceId},
        form::tests::appling,
        render::Form,
    };

    fn form() -> DesiredAppling {
        let mut form = appling("web", 1);
        form.sidecars = vec![Sidecar {
            name: ApplingName::parse("proxy").unwrap(),
            image: form.image.clone(),
            arguments: Vec::new(),
            variables: std::collections::BTreeMap::new(),
            startup: Some((Port::DEFAULT, HttpPath::default_readiness())),
            resources: Resources::default(),
        }];
        form
    }

    fn sidecar() -> Role {
        Role::Sidecar(ApplingName::parse("proxy").unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The sidecar and the app, each with its state and the second in which it started.
    pub(crate) fn instance(of_sidecar: (ContainerState, i64), of_app: (ContainerState, i64)) -> Instance {
        let container = |role: Role, (state, second): (ContainerState, i64), joins: Option<&str>| Container {
            id: ContainerId(role.to_string()),
            name: role.to_string(),
            role,
            state,
            image: String::new(),
            restarts: 0,
            created_at: Some(at(0)),
            started_at: Some(at(second)),
            finished_at: None,
            exit_code: None,
            is_out_of_memory: false,
            start_error: None,
            pid: None,
            joins: joins.map(|id| ContainerId(id.to_owned())),
        };
        let form = form();
        Instance {
            id: InstanceId { name: "web-1".to_owned(), sidecars: vec![form.sidecars[0].name.clone()] },
            target: Target::new(AppName::parse("shop").unwrap(), Environment::Prod),
            appling: form.name.clone(),
            release: ReleaseNumber(1),
            replica: 1,
            form: Form::of(&form),
            address: None,
            containers: vec![
                container(sidecar(), of_sidecar, None),
                container(Role::App, of_app, Some(&sidecar().to_string())),
            ],
        }
    }

    fn check(
        of_sidecar: (ContainerState, i64),
        of_app: (ContainerState, i64),
        worked: bool,
        expected: &Next,
    ) {
        let instance = instance(of_sidecar, of_app);
        let worked = if worked { vec![(sidecar(), Some(at(of_sidecar.1)))] } else { Vec::new() };
        assert_eq!(&next(Some(&instance), &form(), &worked), expected);
    }

    #[test]
    fn what_is_not_there_is_made() {
        assert_eq!(next(None, &form(), &Vec::new()), Next::Create);
        let mut lacks_app = instance((ContainerState::Running, 1), (ContainerState::Running, 2));
        lacks_app.containers.pop();
        assert_eq!(next(Some(&lacks_app), &form(), &Vec::new()), Next::Create);
    }

    #[test]
    fn sidecars_work_before_the_app_starts() {
        use ContainerState::{Created, Running};
        check((Created, 0), (Created, 0), false, &Next::Start(sidecar()));
        check((Running, 1), (Created, 0), false, &Next::AskSidecar(sidecar()));
        check((Running, 1), (Created, 0), true, &Next::Start(Role::App));
        check((Running, 1), (Running, 2), true, &Next::Ask);
    }

    #[test]
    fn what_was_found_running_is_not_asked_for_its_start() {
        check((ContainerState::Running, 1), (ContainerState::Running, 2), false, &Next::Ask);
    }

    #[test]
    fn who_shares_a_network_that_is_gone_is_restarted() {
        check((ContainerState::Running, 5), (ContainerState::Running, 2), false, &Next::Restart(Role::App));
    }

    #[test]
    fn what_the_daemon_starts_again_is_waited_for_and_what_it_gave_up_is_started() {
        use ContainerState::{Exited, Restarting, Running};
        check((Running, 1), (Restarting, 2), true, &Next::Wait(Role::App));
        check((Running, 1), (Exited, 2), true, &Next::Start(Role::App));
        check((Exited, 1), (Exited, 2), true, &Next::Start(sidecar()));
    }
}
