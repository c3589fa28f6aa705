//! What is known of an app's objects, cut down to what decides. Keeping whole objects would cost memory for nothing.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Event, Pod},
};
use kube::ResourceExt;

/// Everything known of one namespace.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// By name.
    pub(crate) deployments: BTreeMap<String, DeploymentView>,
    /// By uid.
    pub(crate) replica_sets: BTreeMap<String, ReplicaSetView>,
    /// By uid.
    pub(crate) pods: BTreeMap<String, PodView>,
    /// By the pod's uid.
    pub(crate) told: BTreeMap<String, Told>,
}

/// A Deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeploymentView {
    pub(crate) generation: i64,
    pub(crate) observed_generation: i64,
    /// The number of its present `ReplicaSet`.
    pub(crate) revision: String,
    pub(crate) wanted: u32,
    pub(crate) replicas: u32,
    pub(crate) updated: u32,
    pub(crate) available: u32,
    /// No progress within the deadline.
    pub(crate) is_overdue: bool,
}

/// A `ReplicaSet`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReplicaSetView {
    pub(crate) deployment: String,
    pub(crate) revision: String,
    /// The words with which the API server refused its pods.
    pub(crate) refusal: Option<String>,
}

/// A pod.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own in the pod's status")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PodView {
    pub(crate) name: String,
    pub(crate) replica_set: String,
    pub(crate) is_ready: bool,
    pub(crate) is_leaving: bool,
    /// Evicted or otherwise over; its `ReplicaSet` makes another.
    pub(crate) is_over: bool,
    /// A machine was found for it.
    pub(crate) is_placed: bool,
    /// Why there is no machine for it.
    pub(crate) no_room: Option<String>,
    /// Sidecars first, in the order in which they start.
    pub(crate) containers: Vec<ContainerView>,
}

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ContainerView {
    pub(crate) name: String,
    pub(crate) is_sidecar: bool,
    pub(crate) is_running: bool,
    pub(crate) restarts: u32,
    /// Reason and message of a container that does not run yet or not now.
    pub(crate) waiting: Option<(String, String)>,
    /// How its present or former process ended.
    pub(crate) exit: Option<Exit>,
}

/// How a process ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// What the kubelet told of a pod in events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The last failed probe.
    pub(crate) probe: Option<FailedProbe>,
    /// Why a volume cannot be mounted.
    pub(crate) mount: Option<String>,
    /// How often pulling the image was tried in vain.
    pub(crate) failed_pulls: u32,
}

/// A probe that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FailedProbe {
    /// The container that was asked.
    pub(crate) container: String,
    /// What it was asked.
    pub(crate) asked: Asked,
    /// The kubelet's words.
    pub(crate) words: String,
}

/// What a probe asks. Startup probes are there for the sake of liveness, see `render`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Asked {
    #[default]
    Readiness,
    Liveness,
}

impl DeploymentView {
    /// Whether all wanted pods, and no others, are there and take requests.
    pub(crate) fn is_complete(&self) -> bool {
        self.observed_generation >= self.generation
            && [self.replicas, self.updated, self.available].iter().all(|count| *count == self.wanted)
    }
}

impl View {
    /// The pods of a Deployment's present form.
    pub(crate) fn current_pods<'a>(
        &'a self,
        deployment: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a PodView)> {
        let current = self.current_replica_set(deployment).map(|(uid, _)| uid.clone());
        self.pods.iter().filter(move |(_, pod)| {
            !pod.is_leaving && !pod.is_over && current.as_ref() == Some(&pod.replica_set)
        })
    }

    /// The `ReplicaSet` of a Deployment's present form.
    pub(crate) fn current_replica_set(&self, deployment: &str) -> Option<(&String, &ReplicaSetView)> {
        let revision = &self.deployments.get(deployment)?.revision;
        self.replica_sets.iter().find(|(_, set)| set.deployment == deployment && set.revision == *revision)
    }
}

impl From<&Deployment> for DeploymentView {
    fn from(deployment: &Deployment) -> Self {
        let status = deployment.status.clone().unwrap_or_default();
        let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
        let is_overdue = status.conditions.iter().flatten().any(|condition| {
            condition.type_ == "Progressing"
                && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
        });
        Self {
            generation: deployment.metadata.generation.unwrap_or(0),
            observed_generation: status.observed_generation.unwrap_or(0),
            revision: revision(deployment),
            wanted: count(deployment.spec.as_ref().and_then(|spec| spec.replicas)),
            replicas: count(status.replicas),
            updated: count(status.updated_replicas),
            available: count(status.available_replicas),
            is_overdue,
        }
    }
}

impl From<&ReplicaSet> for ReplicaSetView {
    fn from(set: &ReplicaSet) -> Self {
        let conditions = set.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let refusal = conditions
            .filter(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
            .find_map(|condition| condition.message.clone());
        Self { deployment: owner(set, |owner| owner.name.clone()), revision: revision(set), refusal }
    }
}

impl From<&Pod> for PodView {
    fn from(pod: &Pod) -> Self {
        let status = pod.status.clone().unwrap_or_default();
        let condition =
            |name: &str| status.conditions.iter().flatten().find(|condition| condition.type_ == name);
        let no_room = condition("PodScheduled")
            .filter(|condition| condition.reason.as_deref() == Some("Unschedulable"))
            .and_then(|condition| condition.message.clone());
        let sidecars = status.init_container_statuses.iter().flatten().map(|status| container(status, true));
        let own = status.container_statuses.iter().flatten().map(|status| container(status, false));
        Self {
            name: pod.name_any(),
            replica_set: owner(pod, |owner| owner.uid.clone()),
            is_ready: condition("Ready").is_some_and(|condition| condition.status == "True"),
            is_leaving: pod.metadata.deletion_timestamp.is_some(),
            is_over: matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")),
            is_placed: pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()),
            no_room,
            containers: sidecars.chain(own).collect(),
        }
    }
}

fn container(status: &ContainerStatus, is_sidecar: bool) -> ContainerView {
    let state = status.state.clone().unwrap_or_default();
    let ended = |state: Option<&ContainerState>| state.and_then(|state| state.terminated.as_ref().map(exit));
    ContainerView {
        name: status.name.clone(),
        is_sidecar,
        is_running: state.running.is_some(),
        restarts: u32::try_from(status.restart_count).unwrap_or(0),
        waiting: state.waiting.as_ref().map(|waiting| {
            (waiting.reason.clone().unwrap_or_default(), waiting.message.clone().unwrap_or_default())
        }),
        exit: ended(status.state.as_ref()).or_else(|| ended(status.last_state.as_ref())),
    }
}

fn exit(ended: &ContainerStateTerminated) -> Exit {
    Exit {
        code: ended.exit_code,
        reason: ended.reason.clone().unwrap_or_default(),
        message: ended.message.clone().unwrap_or_default(),
    }
}

impl Told {
    /// Takes in an event. The kubelet repeats an event by counting it up.
    pub(crate) fn hear(&mut self, event: &Event) {
        let message = event.message.clone().unwrap_or_default();
        match event.reason.as_deref() {
            Some("Unhealthy") => self.probe = Some(FailedProbe::new(event, message)),
            Some("FailedMount") => self.mount = Some(message),
            Some("Failed") if message.starts_with("Failed to pull image") => {
                let count = u32::try_from(event.count.unwrap_or(1)).unwrap_or(1);
                self.failed_pulls = self.failed_pulls.max(count);
            }
            _ => {}
        }
    }
}

impl FailedProbe {
    fn new(event: &Event, words: String) -> Self {
        // `spec.containers{web}`
        let path = event.involved_object.field_path.as_deref().unwrap_or_default();
        let container = path.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}')).to_owned();
        let asked = if words.starts_with("Readiness") { Asked::Readiness } else { Asked::Liveness };
        Self { container, asked, words }
    }
}

fn revision(object: &impl ResourceExt) -> String {
    object.annotations().get("deployment.kubernetes.io/revision").cloned().unwrap_or_default()
}

fn owner(
    object: &impl ResourceExt,
    part: impl Fn(&k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference) -> String,
) -> String {
    object
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true))
        .map(part)
        .unwrap_or_default()
}
