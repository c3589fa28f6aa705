//! Making the containers of an instance.

use bollard::{errors::Error, models::ContainerInspectResponse, query_parameters::CreateContainerOptions};
use hops_engine::EngineError;
use hops_model::{DesiredAppling, Target};

use super::{ContainerId, Daemon, InstanceId, words};
use crate::{
    error::{self, CreateError},
    labels, names,
    network::Network,
    render::{self, Opened, Rendered, Surroundings},
    secrets::Secrets,
};

/// What stands under a name.
enum Standing {
    Nothing,
    /// Ours, of the same instance, and as it is to be.
    Fits(ContainerId),
    /// Ours, of the same instance, and different.
    Differs(ContainerId),
    /// Ours, of another instance.
    Another,
}

impl Daemon {
    /// Makes the containers of an instance, and pulls their images if they are not there. Nothing is started.
    ///
    /// What an earlier attempt left behind is taken over where it has the wanted form, and made anew where it has not.
    pub(crate) async fn create(
        &self,
        network: &Network,
        target: &Target,
        appling: &DesiredAppling,
        replica: u16,
        secrets: &Secrets,
    ) -> Result<InstanceId, CreateError> {
        let opened = Opened::read(secrets, target, appling)?;
        let around = Surroundings { platform: self.platform(), target, network, machine: self.machine() };
        let plain = names::instance(self.platform(), target, appling, replica);
        let apart = names::told_apart(&plain, target, appling);
        let images: std::collections::BTreeSet<_> =
            appling.sidecars.iter().map(|sidecar| &sidecar.image).chain([&appling.image]).collect();
        for image in images {
            self.ensure_image(image).await?;
        }
        for name in [&plain, &apart] {
            let containers = render::render(&around, appling, replica, name, &opened)?;
            if self.create_all(&network.id, containers).await? {
                let sidecars = appling.sidecars.iter().map(|sidecar| sidecar.name.clone()).collect();
                return Ok(InstanceId { name: name.clone(), sidecars });
            }
        }
        Err(EngineError::NotOurs { object: format!("container {apart}") }.into())
    }

    /// Whether all were made: another appling may have one of the names. Otherwise none is left behind.
    async fn create_all(&self, network: &str, containers: Vec<Rendered>) -> Result<bool, CreateError> {
        let mut made: Vec<ContainerId> = Vec::new();
        for mut container in containers {
            let mode = match made.first() {
                Some(owner) => format!("container:{owner}"),
                None => network.to_owned(),
            };
            if let Some(owner) = made.first() {
                render::share(&mut container.body, &owner.0);
            }
            let result = self.create_one(&mode, container).await;
            if let Ok(Some(id)) = result {
                made.push(id);
                continue;
            }
            for id in made.iter().rev() {
                // What stays behind is no worse than what a crash leaves.
                let removed = self.remove_container(&id.0).await;
                let _ =
                    removed.inspect_err(|error| tracing::warn!(%error, "a part of an instance stays behind"));
            }
            return result.map(|_| false);
        }
        Ok(true)
    }

    /// None where another appling has the name.
    async fn create_one(
        &self,
        network_mode: &str,
        container: Rendered,
    ) -> Result<Option<ContainerId>, CreateError> {
        match self.standing(network_mode, &container).await? {
            Standing::Fits(id) => return Ok(Some(id)),
            Standing::Another => return Ok(None),
            Standing::Differs(id) => self.remove_container(&id.0).await?,
            Standing::Nothing => {}
        }
        let Rendered { name, image, body, .. } = container;
        let options =
            CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
        match self.client().create_container(Some(options), body).await {
            Ok(created) => {
                for warning in created.warnings {
                    tracing::debug!(container = name, warning, "Docker warns of a new container");
                }
                Ok(Some(ContainerId(created.id)))
            }
            Err(error) => Err(match words::creation(&image, &error) {
                Some(cause) => cause.into(),
                None => self.error(format!("create the container {name}"), error).into(),
            }),
        }
    }

    async fn standing(&self, network_mode: &str, wanted: &Rendered) -> Result<Standing, CreateError> {
        let found = match self.client().inspect_container(&wanted.name, None).await {
            Err(error) if error::is_missing(&error) => return Ok(Standing::Nothing),
            result => result.map_err(|error: Error| {
                self.error(format!("look for the container {}", wanted.name), error)
            })?,
        };
        let carried = found.config.as_ref().and_then(|config| config.labels.as_ref());
        if !labels::is_of(carried, self.platform()) {
            return Err(EngineError::NotOurs { object: format!("container {}", wanted.name) }.into());
        }
        let (Some(carried), Some(labels)) = (carried, &wanted.body.labels) else {
            return Ok(Standing::Another);
        };
        let same = |name: &&str| carried.get(*name) == labels.get(*name);
        if ![labels::APP, labels::ENVIRONMENT, labels::APPLING].iter().all(same) {
            return Ok(Standing::Another);
        }
        let has_form = labels.keys().all(|name| same(&name.as_str()));
        let fits = has_form && is_usable(&found) && mode(&found) == Some(network_mode);
        let id = ContainerId(found.id.unwrap_or_else(|| wanted.name.clone()));
        Ok(if fits { Standing::Fits(id) } else { Standing::Differs(id) })
    }
}

/// Whether it can still be started.
fn is_usable(found: &ContainerInspectResponse) -> bool {
    let state = found.state.as_ref();
    !state.is_some_and(|state| {
        state.dead == Some(true) || state.status == Some(bollard::models::ContainerStateStatusEnum::REMOVING)
    })
}

fn mode(found: &ContainerInspectResponse) -> Option<&str> {
    found.host_config.as_ref()?.network_mode.as_deref()
}
