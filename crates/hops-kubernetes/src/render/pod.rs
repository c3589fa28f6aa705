//! The pods of an appling.

use std::collections::BTreeMap;

use hops_model::{
    DesiredAppling, ImageUser, Target, VariableName,
    app::{Amounts, Resources},
    desired::{DesiredValue, Sidecar},
};
use k8s_openapi::{
    api::core::v1::{
        Container, ContainerPort, EnvVar, EnvVarSource, Lifecycle, LifecycleHandler, LocalObjectReference,
        PodSpec, ResourceRequirements, SecretKeySelector, SecretVolumeSource, SleepAction,
        TopologySpreadConstraint, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::LabelSelector},
};

use super::{deployment::whole_seconds, probe, security};
use crate::{Settings, labels};

/// What an app gets between SIGTERM and SIGKILL (design.md 1, promise 6).
const GRACE_S: i64 = 30;

pub(super) fn render(target: &Target, appling: &DesiredAppling, settings: &Settings) -> PodSpec {
    let drain: i64 = whole_seconds(settings.drain);
    PodSpec {
        containers: vec![container(appling, drain)],
        init_containers: some(appling.sidecars.iter().map(sidecar).collect()),
        volumes: some(volumes(appling)),
        // The pause process becomes process 1: signals work as in a shell, zombies are reaped.
        share_process_namespace: Some(appling.init),
        automount_service_account_token: Some(false),
        // With these, an appling called `redis` would put `REDIS_PORT=tcp://…` into its siblings, and what a
        // container sees would depend on what was there before it. `HOPS_URL_…` names siblings instead.
        enable_service_links: Some(false),
        image_pull_secrets: settings
            .pull_secret
            .as_ref()
            .map(|name| vec![LocalObjectReference { name: name.clone() }]),
        // The drain counts against the grace period.
        termination_grace_period_seconds: Some(drain + GRACE_S),
        security_context: Some(security::pod(appling)),
        topology_spread_constraints: Some(vec![TopologySpreadConstraint {
            max_skew: 1,
            topology_key: "kubernetes.io/hostname".to_owned(),
            // Two pods on one machine are better than one pod.
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(LabelSelector {
                match_labels: Some(labels::selector(target, appling)),
                ..LabelSelector::default()
            }),
            // Spreads each version by itself, not against the one that it replaces.
            match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
            ..TopologySpreadConstraint::default()
        }]),
        ..PodSpec::default()
    }
}

fn container(appling: &DesiredAppling, drain: i64) -> Container {
    Container {
        name: appling.name.dns(),
        image: Some(appling.image.as_str().to_owned()),
        env: some(variables(&appling.variables)),
        ports: Some(vec![ContainerPort {
            name: Some(probe::PORT_NAME.to_owned()),
            container_port: i32::from(appling.port.number()),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        volume_mounts: some(
            appling
                .secret_mounts
                .iter()
                .enumerate()
                .map(|(index, mount)| VolumeMount {
                    name: volume_name(index),
                    mount_path: mount.mount_path.clone(),
                    read_only: Some(true),
                    ..VolumeMount::default()
                })
                .collect(),
        ),
        resources: resources(&appling.resources),
        readiness_probe: Some(probe::readiness(appling)),
        startup_probe: appling.liveness_path.as_ref().map(probe::startup),
        liveness_probe: appling.liveness_path.as_ref().map(probe::liveness),
        lifecycle: (drain > 0).then(|| Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: drain }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        security_context: Some(security::container(&appling.user)),
        ..Container::default()
    }
}

/// A native sidecar: an init container that stays. Kubernetes starts it before the appling's own container and stops
/// it after it.
fn sidecar(sidecar: &Sidecar) -> Container {
    Container {
        name: sidecar.name.dns(),
        image: Some(sidecar.image.as_str().to_owned()),
        args: some(sidecar.arguments.iter().map(|argument| verbatim(argument)).collect()),
        env: some(variables(&sidecar.variables)),
        resources: resources(&sidecar.resources),
        restart_policy: Some("Always".to_owned()),
        startup_probe: sidecar.startup.as_ref().map(|(port, path)| probe::sidecar_startup(*port, path)),
        // Nobody has looked into its image.
        security_context: Some(security::container(&ImageUser::Root)),
        ..Container::default()
    }
}

fn variables(variables: &BTreeMap<VariableName, DesiredValue>) -> Vec<EnvVar> {
    let variable = |(name, value): (&VariableName, &DesiredValue)| {
        let name = name.as_str().to_owned();
        match value {
            DesiredValue::Literal(text) => EnvVar { name, value: Some(verbatim(text)), ..EnvVar::default() },
            DesiredValue::SecretKey { secret, key } => EnvVar {
                name,
                value_from: Some(EnvVarSource {
                    secret_key_ref: Some(SecretKeySelector {
                        name: secret.as_str().to_owned(),
                        key: key.clone(),
                        ..SecretKeySelector::default()
                    }),
                    ..EnvVarSource::default()
                }),
                ..EnvVar::default()
            },
        }
    };
    variables.iter().map(variable).collect()
}

/// Kubernetes replaces `$(NAME)` by a variable and `$$` by `$`; what the file says is what the container sees.
fn verbatim(text: &str) -> String {
    text.replace('$', "$$")
}

fn volumes(appling: &DesiredAppling) -> Vec<Volume> {
    let volume = |(index, mount): (usize, &hops_model::desired::SecretMount)| Volume {
        name: volume_name(index),
        secret: Some(SecretVolumeSource {
            secret_name: Some(mount.secret.as_str().to_owned()),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    };
    appling.secret_mounts.iter().enumerate().map(volume).collect()
}

/// Volumes are numbered: a Secret's name may be longer than a volume's, and be mounted twice.
fn volume_name(index: usize) -> String {
    format!("secret-{index}")
}

fn resources(resources: &Resources) -> Option<ResourceRequirements> {
    let amounts = |amounts: &Amounts| {
        let cpu = amounts.cpu.as_ref().map(|cpu| ("cpu", cpu.as_str()));
        let memory = amounts.memory.as_ref().map(|memory| ("memory", memory.as_str()));
        let given: BTreeMap<String, Quantity> = [cpu, memory]
            .into_iter()
            .flatten()
            .map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
            .collect();
        (!given.is_empty()).then_some(given)
    };
    let (requests, limits) = (amounts(&resources.requests), amounts(&resources.limits));
    (requests.is_some() || limits.is_some()).then(|| ResourceRequirements {
        requests,
        limits,
        ..ResourceRequirements::default()
    })
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
