//! Reading what runs.

use std::{collections::BTreeMap, net::IpAddr};

use bollard::{
    models::{ContainerInspectResponse, ContainerState as Word, ContainerStateStatusEnum as Status},
    query_parameters::ListContainersOptions,
};
use futures::{StreamExt, TryStreamExt, future, stream};
use hops_engine::EngineError;
use hops_model::Target;
use jiff::Timestamp;

use super::{Container, ContainerId, ContainerState, Daemon, Instance, InstanceId};
use crate::{
    error,
    labels::{self, Decoded, Role},
    names,
    render::Form,
};

/// Containers looked at in detail at the same time.
const AT_ONCE: usize = 16;

impl Daemon {
    /// What there is of a target, or of the whole platform, by name. Containers with broken labels are passed over.
    pub(crate) async fn instances(&self, target: Option<&Target>) -> Result<Vec<Instance>, EngineError> {
        let options = ListContainersOptions {
            all: true,
            filters: Some(labels::filter(self.platform(), target)),
            ..ListContainersOptions::default()
        };
        let listed = self.client().list_containers(Some(options)).await;
        let listed = listed.map_err(|error| self.error("list the containers", error))?;
        let inspected: Vec<Option<ContainerInspectResponse>> = stream::iter(listed)
            .filter_map(|container| std::future::ready(container.id))
            .map(|id| async move { self.inspect(&id).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(group(self.platform(), inspected.into_iter().flatten()))
    }

    /// One instance, where there is anything of it.
    pub(crate) async fn instance(
        &self,
        target: &Target,
        id: &InstanceId,
    ) -> Result<Option<Instance>, EngineError> {
        let names: Vec<String> = id.roles().map(|role| id.container(&role)).collect();
        let inspected = future::try_join_all(names.iter().map(|name| self.inspect(name))).await?;
        let instances = group(self.platform(), inspected.into_iter().flatten());
        // Somebody else's container may have such a name.
        Ok(instances.into_iter().find(|found| found.id.name == id.name && found.target == *target))
    }

    /// None where it was removed meanwhile.
    async fn inspect(&self, container: &str) -> Result<Option<ContainerInspectResponse>, EngineError> {
        match self.client().inspect_container(container, None).await {
            Err(error) if error::is_missing(&error) => Ok(None),
            Ok(found) => Ok(Some(found)),
            Err(error) => Err(self.error(format!("look at the container {container}"), error)),
        }
    }
}

fn group(platform: &str, inspected: impl Iterator<Item = ContainerInspectResponse>) -> Vec<Instance> {
    let mut instances: BTreeMap<String, Vec<(Decoded, Container, Option<IpAddr>)>> = BTreeMap::new();
    for found in inspected {
        let carried = found.config.as_ref().and_then(|config| config.labels.as_ref());
        let Some(decoded) = carried.and_then(labels::decode) else {
            let name = found.name.as_deref().unwrap_or_default();
            tracing::warn!(container = name, "a container has broken labels and is passed over");
            continue;
        };
        let address = address(&names::network(platform, &decoded.target), &found);
        let Some(container) = container(&decoded.role, found) else { continue };
        instances.entry(decoded.instance.clone()).or_default().push((decoded, container, address));
    }
    instances.into_values().filter_map(instance).collect()
}

fn instance(mut parts: Vec<(Decoded, Container, Option<IpAddr>)>) -> Option<Instance> {
    parts.sort_by_key(|(decoded, ..)| decoded.place);
    let address = parts.iter().find_map(|(.., address)| *address);
    let sidecars = parts.iter().filter_map(|(decoded, ..)| match &decoded.role {
        Role::Sidecar(name) => Some(name.clone()),
        Role::App => None,
    });
    let sidecars = sidecars.collect();
    let Decoded { target, appling, release, replica, instance, form, .. } = parts.last()?.0.clone();
    Some(Instance {
        id: InstanceId { name: instance, sidecars },
        target,
        appling,
        release,
        replica,
        form: Form::parse(&form),
        address,
        containers: parts.into_iter().map(|(_, container, _)| container).collect(),
    })
}

fn container(role: &Role, found: ContainerInspectResponse) -> Option<Container> {
    let host = found.host_config.as_ref();
    let joins = host.and_then(|host| host.network_mode.as_deref()?.strip_prefix("container:"));
    let joins = joins.map(|id| ContainerId(id.to_owned()));
    let state = found.state.unwrap_or_default();
    let finished_at = time(state.finished_at.as_deref());
    let is_running = state.running == Some(true) && state.restarting != Some(true);
    Some(Container {
        id: ContainerId(found.id?),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        role: role.clone(),
        state: doing(&state),
        image: found.image.unwrap_or_default(),
        restarts: found.restart_count.and_then(|count| count.try_into().ok()).unwrap_or_default(),
        created_at: time(found.created.as_deref()),
        started_at: time(state.started_at.as_deref()),
        finished_at,
        exit_code: finished_at.filter(|_| !is_running).and(state.exit_code),
        is_out_of_memory: state.oom_killed == Some(true),
        start_error: state.error.filter(|words| !words.is_empty()),
        pid: state.pid.filter(|_| is_running).and_then(|pid| pid.try_into().ok()).filter(|pid| *pid > 0),
        joins,
    })
}

fn doing(state: &Word) -> ContainerState {
    match state.status {
        Some(Status::RUNNING | Status::STOPPING) => ContainerState::Running,
        Some(Status::PAUSED) => ContainerState::Paused,
        Some(Status::RESTARTING) => ContainerState::Restarting,
        Some(Status::REMOVING | Status::DEAD) => ContainerState::Removing,
        Some(Status::EXITED) => ContainerState::Exited,
        Some(Status::CREATED | Status::EMPTY) | None => ContainerState::Created,
    }
}

/// The address on the app's own network: somebody may have attached the container to others as well.
fn address(network: &str, found: &ContainerInspectResponse) -> Option<IpAddr> {
    let networks = found.network_settings.as_ref()?.networks.as_ref()?;
    networks.get(network)?.ip_address.as_ref()?.parse().ok()
}

/// The daemon writes the year 1 for "never".
fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok()).filter(|at| *at > Timestamp::UNIX_EPOCH)
}
