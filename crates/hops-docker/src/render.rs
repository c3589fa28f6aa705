//! What is wanted, as containers. Pure: the same input gives the same containers.

mod form;
mod host;
mod security;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, Mount, MountType, NetworkingConfig,
};
use hops_model::{
    Cause, DesiredAppling, ImageRef, ImageUser, Target, VariableName,
    app::Resources,
    desired::{DesiredValue, Sidecar},
};

pub(crate) use form::Form;

use crate::{
    daemon::Machine,
    labels::{self, Role},
    names,
    network::Network,
    secrets::Secrets,
};

/// A container to be made. Whose network it shares is known once that one is made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rendered {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) image: ImageRef,
    pub(crate) body: ContainerCreateBody,
}

/// Everything that containers are rendered from, besides the appling itself.
pub(crate) struct Surroundings<'a> {
    pub(crate) platform: &'a str,
    pub(crate) target: &'a Target,
    pub(crate) network: &'a Network,
    pub(crate) machine: &'a Machine,
}

/// Values of named secrets, read before rendering.
#[derive(Default)]
pub(crate) struct Opened {
    values: HashMap<(String, String), String>,
    directories: HashMap<String, PathBuf>,
}

/// Seconds between SIGTERM and SIGKILL where somebody else than HOPS stops a container, such as `docker stop`
/// (design.md 1, promise 6).
const GRACE_S: i64 = 30;

/// The longest name of a host (RFC 1123).
const HOST_NAME_MAX: usize = 63;

/// The containers of one instance, in the order of starting.
pub(crate) fn render(
    around: &Surroundings<'_>,
    appling: &DesiredAppling,
    replica: u16,
    instance: &str,
    secrets: &Opened,
) -> Result<Vec<Rendered>, Cause> {
    let mut containers: Vec<Rendered> = Vec::new();
    for sidecar in &appling.sidecars {
        containers.push(of_sidecar(around, sidecar, appling.init, instance, secrets)?);
    }
    containers.push(of_appling(around, appling, instance, secrets)?);
    let form = Form::of(appling);
    for (place, container) in containers.iter_mut().enumerate() {
        let mut labels = labels::of_instance(around.platform, around.target, appling, replica, instance);
        labels.extend(labels::map([
            (labels::ROLE, &container.role.to_string()),
            (labels::PLACE, &place.to_string()),
            (labels::FORM, form.as_str()),
        ]));
        container.body.labels = Some(labels);
    }
    // The first one's network is everybody's: it is there before the others start, and until they have stopped.
    let owner = containers.first_mut().expect("an instance has its appling's own container");
    join(around.network, appling, instance, &mut owner.body);
    Ok(containers)
}

/// Makes a container share the network of another one.
pub(crate) fn share(body: &mut ContainerCreateBody, owner: &str) {
    let host = body.host_config.get_or_insert_default();
    host.network_mode = Some(format!("container:{owner}"));
}

/// Attaches a container to the app's network. Siblings find it by the Service's names: where several containers have
/// one, Docker's name server names them in turn.
fn join(network: &Network, appling: &DesiredAppling, instance: &str, body: &mut ContainerCreateBody) {
    let hostname = (instance.len() <= HOST_NAME_MAX).then(|| instance.replace('_', "-"));
    // A container finds itself, too: its own name is not in the file that names siblings.
    let aliases = [&appling.service].into_iter().chain(&appling.aliases).chain(&hostname).cloned().collect();
    let endpoint = EndpointSettings { aliases: Some(aliases), ..EndpointSettings::default() };
    body.networking_config =
        Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network.id.clone(), endpoint)])) });
    body.host_config.get_or_insert_default().network_mode = Some(network.id.clone());
    body.hostname = hostname;
}

fn of_appling(
    around: &Surroundings<'_>,
    appling: &DesiredAppling,
    instance: &str,
    secrets: &Opened,
) -> Result<Rendered, Cause> {
    let mut body = body(
        around,
        &appling.image,
        &appling.user,
        &appling.variables,
        &appling.resources,
        appling.init,
        secrets,
    )?;
    if !appling.secret_mounts.is_empty() {
        let mounts = body.host_config.get_or_insert_default().mounts.get_or_insert_default();
        let mount = |mount: &hops_model::desired::SecretMount| {
            bind(secrets.directory(&mount.secret), &mount.mount_path)
        };
        mounts.extend(appling.secret_mounts.iter().map(mount));
    }
    let role = Role::App;
    let name = names::container(instance, &role);
    Ok(Rendered { role, name, image: appling.image.clone(), body })
}

fn of_sidecar(
    around: &Surroundings<'_>,
    sidecar: &Sidecar,
    init: bool,
    instance: &str,
    secrets: &Opened,
) -> Result<Rendered, Cause> {
    let mut body = body(
        around,
        &sidecar.image,
        // Nobody has looked into its image.
        &ImageUser::Root,
        &sidecar.variables,
        &sidecar.resources,
        init,
        secrets,
    )?;
    body.cmd = (!sidecar.arguments.is_empty()).then(|| sidecar.arguments.clone());
    let role = Role::Sidecar(sidecar.name.clone());
    let name = names::container(instance, &role);
    Ok(Rendered { role, name, image: sidecar.image.clone(), body })
}

/// What the appling's own container and its sidecars have in common.
///
/// The signal that asks it to stop is the image's (`STOPSIGNAL`), or SIGTERM, as on Kubernetes: an author who names
/// one there knows what the program takes for a request to finish.
fn body(
    around: &Surroundings<'_>,
    image: &ImageRef,
    user: &ImageUser,
    variables: &std::collections::BTreeMap<VariableName, DesiredValue>,
    resources: &Resources,
    init: bool,
    secrets: &Opened,
) -> Result<ContainerCreateBody, Cause> {
    let mut host = host::render(around.machine, resources)?;
    host.init = Some(init);
    host.mounts = around.network.hosts.as_ref().map(|file| vec![bind(file, "/etc/hosts")]);
    host.security_opt = Some(vec!["no-new-privileges:true".to_owned()]);
    host.cap_drop = Some(vec!["ALL".to_owned()]);
    host.cap_add = Some(security::capabilities(user));
    Ok(ContainerCreateBody {
        image: Some(reference(image).to_owned()),
        env: Some(variables.iter().map(|(name, value)| format!("{name}={}", secrets.text(value))).collect()),
        // `HEALTHCHECK` of the image would start a process every few seconds, and decide nothing: readiness is asked by
        // HTTP, as on Kubernetes, which knows no such check either.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        stop_timeout: Some(GRACE_S),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    })
}

/// Something of this machine, to be read in a container.
fn bind(source: &Path, target: &str) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.to_owned()),
        read_only: Some(true),
        ..Mount::default()
    }
}

/// What the daemon knows an image by: a local one by its id alone.
pub(crate) fn reference(image: &ImageRef) -> &str {
    match image.digest() {
        Some(id) if image.is_local() => id,
        _ => image.as_str(),
    }
}

impl Opened {
    /// Reads what an appling names.
    pub(crate) fn read(secrets: &Secrets, target: &Target, appling: &DesiredAppling) -> Result<Self, Cause> {
        let mut opened = Self::default();
        let of_sidecars = appling.sidecars.iter().flat_map(|sidecar| sidecar.variables.values());
        for value in appling.variables.values().chain(of_sidecars) {
            if let DesiredValue::SecretKey { secret, key } = value {
                let text = secrets.value(target, secret, key)?;
                opened.values.insert((secret.to_string(), key.clone()), text);
            }
        }
        for mount in &appling.secret_mounts {
            let directory = secrets.directory(target, &mount.secret)?;
            opened.directories.insert(mount.secret.to_string(), directory);
        }
        Ok(opened)
    }

    fn text<'a>(&'a self, value: &'a DesiredValue) -> &'a str {
        match value {
            DesiredValue::Literal(text) => text,
            DesiredValue::SecretKey { secret, key } => self
                .values
                .get(&(secret.to_string(), key.clone()))
                .expect("every key that the appling names was read"),
        }
    }

    fn directory(&self, secret: &hops_model::SecretName) -> &Path {
        self.directories.get(secret.as_str()).expect("every secret that the appling mounts was looked for")
    }
}

#[cfg(test)]
pub(crate) mod tests;
