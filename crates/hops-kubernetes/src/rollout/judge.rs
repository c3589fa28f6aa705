//! What is known, judged: is an appling live, on its way, or certain to fail. Pure.
//!
//! A failure is certain where nothing that HOPS or Kubernetes will do by itself can change it. A pod that is merely not
//! ready is not certain before a deadline: slow starts are legitimate.

use hops_engine::{Doubt, Standing};

use super::{
    view::{Asked, ContainerView, Exit, FailedProbe, PodView, Told, View},
    words::{self, ProbeAnswer},
};

/// What was found to be wrong; the cause before its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    ImagePull {
        pod: String,
        container: String,
        message: String,
    },
    Exited {
        pod: String,
        container: String,
        is_sidecar: bool,
        exit: Exit,
        restarts: u32,
    },
    OutOfMemory {
        pod: String,
        container: String,
        is_sidecar: bool,
    },
    CannotStart {
        pod: String,
        container: String,
        message: String,
    },
    SecretMissing {
        pod: String,
        message: String,
    },
    Refused {
        message: String,
    },
    DoesNotFit {
        message: String,
    },
    /// Not ready in time, with the last that a probe was told.
    NotReady {
        pod: String,
        told: Option<FailedProbe>,
    },
    TimedOut {
        message: String,
    },
}

/// Pulls that fail for a passing reason, such as a network fault, are retried this often before they count: about
/// half a minute with the kubelet's back-off.
const PULL_ATTEMPTS: u32 = 3;

/// Judges one appling.
///
/// `generation` is that of the Deployment after HOPS applied it; what is known of an older one says nothing.
pub(crate) fn judge(view: &View, deployment: &str, generation: i64) -> Standing<Finding> {
    let Some(known) = view.deployments.get(deployment) else {
        return rolling("waiting for the Deployment");
    };
    if known.generation < generation || known.observed_generation < known.generation {
        return rolling("waiting for Kubernetes to take it up");
    }
    if known.is_complete() {
        return Standing::Live;
    }
    let pods: Vec<(&String, &PodView)> = view.current_pods(deployment).collect();
    let refusal = view.current_replica_set(deployment).and_then(|(_, set)| set.refusal.clone());
    // With some pods there, old ones leaving may make place under a quota.
    if let Some(message) = refusal.filter(|message| pods.is_empty() && words::is_refusal(message)) {
        return Standing::Failed(Finding::Refused { message });
    }
    let nothing = Told::default();
    let told = |uid: &String| view.told.get(uid).unwrap_or(&nothing);
    if let Some(finding) = pods.iter().find_map(|(uid, pod)| certain(pod, told(uid))) {
        return Standing::Failed(finding);
    }
    let waiting: Vec<&(&String, &PodView)> = pods.iter().filter(|(_, pod)| !pod.is_ready).collect();
    if known.is_overdue {
        return Standing::Failed(overdue(&waiting, &told));
    }
    // A pod that starts or leaves makes room by and by: a ready one lets an old one go.
    let moves = |pod: &PodView| pod.is_leaving || (pod.is_placed && !pod.is_ready && !pod.is_over);
    let no_room = waiting.iter().find_map(|(_, pod)| pod.no_room.clone());
    let doubt = match no_room.filter(|_| !view.pods.values().any(moves)) {
        Some(message) => Some(Doubt::NoRoom(Finding::DoesNotFit { message })),
        None => waiting.iter().find_map(|(uid, pod)| doubtful(pod, told(uid))),
    };
    let ready = u32::try_from(pods.len() - waiting.len()).unwrap_or(u32::MAX);
    let message = match waiting.first() {
        Some((uid, pod)) => describe(pod, told(uid).probe.as_ref()),
        None if pods.is_empty() => "waiting for containers".to_owned(),
        None => "stopping the former containers".to_owned(),
    };
    Standing::Rolling { ready, message, doubt }
}

fn rolling(message: &str) -> Standing<Finding> {
    Standing::Rolling { ready: 0, message: message.to_owned(), doubt: None }
}

/// What points to a mistake in a running app.
fn doubtful(pod: &PodView, told: &Told) -> Option<Doubt<Finding>> {
    let told = told.probe.as_ref().filter(|probe| probe.asked == Asked::Readiness && runs(pod))?;
    let finding = Finding::NotReady { pod: pod.name.clone(), told: Some(told.clone()) };
    match words::probe_answer(&told.words) {
        ProbeAnswer::Refused => Some(Doubt::Refuses { instance: pod.name.clone(), finding }),
        answer if answer.is_client_error() => Some(Doubt::Mistaken(finding)),
        _ => None,
    }
}

fn runs(pod: &PodView) -> bool {
    !pod.containers.is_empty() && pod.containers.iter().all(|container| container.is_running)
}

/// What is wrong with a pod for certain.
fn certain(pod: &PodView, told: &Told) -> Option<Finding> {
    if let Some(message) = told.mount.as_ref().filter(|message| words::is_missing_secret(message))
        && pod.containers.iter().all(|container| !container.is_running)
    {
        return Some(Finding::SecretMissing { pod: pod.name.clone(), message: message.clone() });
    }
    pod.containers.iter().find_map(|container| certain_of(pod, container, told))
}

fn certain_of(pod: &PodView, container: &ContainerView, told: &Told) -> Option<Finding> {
    let (pod, name) = (pod.name.clone(), container.name.clone());
    let (reason, message) = match &container.waiting {
        Some((reason, message)) => (reason.as_str(), message.clone()),
        None => ("", String::new()),
    };
    match reason {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            let is_certain =
                words::is_final_pull_error(reason, &message) || told.failed_pulls >= PULL_ATTEMPTS;
            return is_certain.then_some(Finding::ImagePull { pod, container: name, message });
        }
        "CreateContainerConfigError" if words::is_missing_secret(&message) => {
            return Some(Finding::SecretMissing { pod, message });
        }
        // The kubelet only says so of what the pod's own description asks for.
        "CreateContainerConfigError" => return Some(Finding::CannotStart { pod, container: name, message }),
        "CreateContainerError" | "RunContainerError"
            if words::is_final_start_error(&message) || container.restarts > 0 =>
        {
            return Some(Finding::CannotStart { pod, container: name, message });
        }
        _ => {}
    }
    let exit = container.exit.clone()?;
    let could_not_start = matches!(exit.reason.as_str(), "StartError" | "ContainerCannotRun");
    if could_not_start && words::is_final_start_error(&exit.message) {
        return Some(Finding::CannotStart { pod, container: name, message: exit.message });
    }
    // One exit is forgiven, as Kubernetes starts the container again at once; the second shows the rule.
    if container.is_running || container.restarts == 0 {
        return None;
    }
    let is_sidecar = container.is_sidecar;
    Some(if could_not_start {
        Finding::CannotStart { pod, container: name, message: exit.message }
    } else if exit.reason == "OOMKilled" {
        Finding::OutOfMemory { pod, container: name, is_sidecar }
    } else {
        Finding::Exited { pod, container: name, is_sidecar, exit, restarts: container.restarts }
    })
}

/// What is wrong at the deadline.
fn overdue<'a>(waiting: &[&(&String, &PodView)], told: &impl Fn(&String) -> &'a Told) -> Finding {
    if let Some((uid, pod)) = waiting.iter().find(|(_, pod)| runs(pod)) {
        return Finding::NotReady { pod: pod.name.clone(), told: told(uid).probe.clone() };
    }
    if let Some(message) = waiting.iter().find_map(|(_, pod)| pod.no_room.clone()) {
        return Finding::DoesNotFit { message };
    }
    let message = waiting.first().map_or_else(
        || "Kubernetes made no containers".to_owned(),
        |(uid, pod)| describe(pod, told(uid).probe.as_ref()),
    );
    Finding::TimedOut { message }
}

/// What a pod that takes no requests is doing, for people.
pub(crate) fn describe(pod: &PodView, probe: Option<&FailedProbe>) -> String {
    if let Some(message) = &pod.no_room {
        return format!("waiting for room: {}", words::missing_room(message));
    }
    let of_sidecar = |probe: &&FailedProbe| {
        pod.containers.iter().any(|container| container.is_sidecar && container.name == probe.container)
    };
    if let Some(probe) = probe.filter(of_sidecar)
        && pod.containers.iter().any(|container| !container.is_sidecar && !container.is_running)
    {
        return format!("waiting for the sidecar {}: {}", probe.container, answer("its path", &probe.words));
    }
    let Some(container) = pod.containers.iter().find(|c| !c.is_running).or_else(|| pod.containers.last())
    else {
        return if pod.is_placed {
            "starting the pod".to_owned()
        } else {
            "waiting for a machine".to_owned()
        };
    };
    let of = if container.is_sidecar { format!(" of {}", container.name) } else { String::new() };
    match (&container.waiting, &container.exit) {
        (Some((reason, message)), _) if reason.contains("Image") => {
            format!("pulling the image{of} fails: {}", words::innermost(message))
        }
        (Some((reason, _)), Some(exit)) if reason == "CrashLoopBackOff" => {
            format!("exited with {}, to be started again", exit.code)
        }
        (Some((reason, _)), _) if matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing") => {
            "starting the container".to_owned()
        }
        (Some((reason, message)), _) => format!("{reason}: {}", words::innermost(message)),
        (None, Some(exit)) if !container.is_running => {
            format!("exited with {}, to be started again", exit.code)
        }
        _ => match probe {
            None => "waiting for the readiness path".to_owned(),
            Some(FailedProbe { asked: Asked::Readiness, words, .. }) => answer("the readiness path", words),
            Some(FailedProbe { asked: Asked::Liveness, words, .. }) => answer("the liveness path", words),
        },
    }
}

/// What a path answers, from the kubelet's words.
fn answer(path: &str, words: &str) -> String {
    match words::probe_answer(words) {
        ProbeAnswer::Refused => "nothing listens on the port yet".to_owned(),
        ProbeAnswer::Late => format!("{path} does not answer in time"),
        ProbeAnswer::Status(status) => format!("{path} answers {status}"),
        ProbeAnswer::Other(text) => format!("{path} does not answer: {text}"),
    }
}

#[cfg(test)]
mod tests;
