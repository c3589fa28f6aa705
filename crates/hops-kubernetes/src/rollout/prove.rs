//! From a finding to a cause: the words for people, and the proof, which takes questions to the cluster.

use std::time::Duration;

use hops_engine::list_ports;
use hops_model::{ApplingName, Cause, CauseCode, Target};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::LogParams};

use super::{
    judge::Finding,
    listeners::{self, Answer},
    view::{Asked, Exit, FailedProbe},
    words::{self, ProbeAnswer},
};
use crate::{error::Cluster, logs::REMOVED};

/// What a cause is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) appling: ApplingName,
    pub(crate) deployment: String,
    /// The name of the appling's own container.
    pub(crate) container: String,
    pub(crate) image: String,
    pub(crate) port: u16,
    pub(crate) readiness_path: String,
    pub(crate) liveness_path: Option<String>,
    pub(crate) memory_limit: Option<String>,
    pub(crate) wanted: u32,
    pub(crate) url: Option<String>,
}

/// How many log lines are shown.
const LOG_LINES: i64 = 20;

/// How long a question to a busy cluster may take. The restoration of what worked waits for it.
const QUESTION: Duration = Duration::from_secs(10);

pub(super) async fn prove(
    cluster: &Cluster,
    target: &Target,
    subject: &Subject,
    finding: Finding,
    waited: Duration,
) -> Cause {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &target.namespace());
    let waited = waited.as_secs();
    match finding {
        Finding::ImagePull { container, message, .. } => image_pull(subject, &container, &message),
        Finding::Exited { pod, container, is_sidecar, exit, restarts } => {
            let log = log(&pods, &pod, &container).await;
            exited(&container, is_sidecar, &exit, restarts, log)
        }
        Finding::OutOfMemory { pod, container, is_sidecar } => {
            let log = log(&pods, &pod, &container).await;
            out_of_memory(subject, &container, is_sidecar, log.unwrap_or_default())
        }
        Finding::CannotStart { container, message, .. } => {
            let words = words::innermost(&message);
            Cause::new(
                CauseCode::CannotStart,
                format!("the container {container} cannot be started: {words}"),
                "look at ENTRYPOINT and CMD in the Dockerfile: the program has to be in the image, executable, and built \
                 for linux/amd64",
            )
            .with_proof(message)
        }
        Finding::SecretMissing { message, .. } => {
            let namespace = target.namespace();
            Cause::new(
                CauseCode::SecretMissing,
                format!("a Secret that the file names is missing: {}", words::innermost(&message)),
                format!("create it in the namespace {namespace}, or correct its name or key in iterapp.toml"),
            )
            .with_proof(message)
        }
        Finding::Refused { message } => refused(&message),
        Finding::DoesNotFit { message } => Cause::new(
            CauseCode::DoesNotFit,
            format!("no machine has room for a new container: {}", words::missing_room(&message)),
            "lower `[requests]` in iterapp.toml, or add a machine; during a roll-out old and new containers need room \
             side by side",
        )
        .with_proof(message),
        Finding::NotReady { pod, told } => not_ready(&pods, subject, &pod, told, waited).await,
        Finding::TimedOut { message } => Cause::new(
            CauseCode::TimedOut,
            format!("not ready {waited} s after the last progress: {message}"),
            "deploy again; if it stays, `hops logs` and the cluster's events have more",
        ),
    }
}

/// The words of the API server when it refuses an object.
pub(crate) fn refused(message: &str) -> Cause {
    let quota = message.contains("exceeded quota");
    let help = if quota {
        "ask whoever runs the platform for a larger quota, or lower `replicas` and `[requests]` in iterapp.toml; during a \
         roll-out old and new containers count both"
    } else {
        "change what the rule names, or ask whoever runs the platform"
    };
    let what = if quota { "quota" } else { "rules" };
    Cause::new(CauseCode::Refused, format!("the cluster's {what} refuse it: {message}"), help)
        .with_proof(message)
}

fn image_pull(subject: &Subject, container: &str, message: &str) -> Cause {
    let image = if container == subject.container { subject.image.as_str() } else { container };
    Cause::new(
        CauseCode::ImagePullFailed,
        format!("the cluster cannot pull the image {image}"),
        "the nodes have to reach the registry under that name and be allowed to read it (`pull_secret` in the server's \
         configuration); if the image was removed, deploy again",
    )
    .with_proof(words::innermost(message))
}

fn exited(container: &str, is_sidecar: bool, exit: &Exit, restarts: u32, log: Option<String>) -> Cause {
    let who = if is_sidecar { format!("the sidecar {container}") } else { "the process".to_owned() };
    let times = restarts + 1;
    let how = match exit.code {
        code @ 129..=159 => format!("was ended {times} times by signal {}", code - 128),
        code => format!("exited {times} times, last with {code}"),
    };
    let help = if exit.code == 0 {
        "a service has to keep running: the command in the Dockerfile must not end or put itself in the background"
    } else {
        match log.as_deref() {
            None => "its last lines could not be read in time; `hops logs --previous` shows them",
            Some("") => "it printed nothing; start the image locally to see why it ends",
            Some(_) => "see its last lines",
        }
    };
    Cause::new(CauseCode::Exited, format!("{who} {how}"), help).with_proof(log.unwrap_or_default())
}

fn out_of_memory(subject: &Subject, container: &str, is_sidecar: bool, log: String) -> Cause {
    let who = if is_sidecar { format!("the sidecar {container}") } else { "the process".to_owned() };
    let limit = subject.memory_limit.as_ref().filter(|_| !is_sidecar);
    let limit = limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    Cause::new(
        CauseCode::OutOfMemory,
        format!("{who} took more memory than its limit{limit} and was killed"),
        "raise `memory` in `[limits]` of iterapp.toml, or make it need less",
    )
    .with_proof(log)
}

/// Asks the pod itself: the kubelet's events are limited in number, so the last one may be old news.
async fn not_ready(
    pods: &Api<Pod>,
    subject: &Subject,
    pod: &str,
    told: Option<FailedProbe>,
    waited: u64,
) -> Cause {
    let port = subject.port;
    let of_liveness = told.as_ref().is_some_and(|probe| probe.asked == Asked::Liveness);
    let (key, path) = match &subject.liveness_path {
        Some(path) if of_liveness => ("liveness_path", path),
        _ => ("readiness_path", &subject.readiness_path),
    };
    let told = told.map(|probe| probe.words);
    let answer = listeners::ask(pods, pod, port, path).await;
    let told_answer = told.as_deref().map(words::probe_answer);
    let failed = |answers: &str, proof: String| {
        let message = format!("not ready {waited} s after the last progress: {path} {answers}");
        let help = format!(
            "let the app answer GET {path} with 200, or name another path as `{key}` in iterapp.toml"
        );
        Cause::new(CauseCode::ReadinessFailed, message, help).with_proof(proof)
    };
    let after = format!("not ready {waited} s after the last progress");
    match (answer, told_answer) {
        (Answer::Refused, _) | (Answer::Unknown, Some(ProbeAnswer::Refused)) => {
            let (others, log) = other_ports(pods, subject, pod).await;
            nothing_listens(port, &others, log)
        }
        (answer, Some(ProbeAnswer::Refused)) if answer != Answer::Unknown => Cause::new(
            CauseCode::NothingListens,
            format!("port {port} is open inside the container only"),
            format!("let the app listen on 0.0.0.0:{port} rather than on 127.0.0.1 or localhost"),
        )
        .with_proof(told.unwrap_or_default()),
        (Answer::Status { status, text }, _) if !(200..400).contains(&status) => {
            failed(&format!("answers {status}"), text)
        }
        (Answer::Unknown, Some(ProbeAnswer::Status(status))) => {
            failed(&format!("answers {status}"), told.unwrap_or_default())
        }
        (Answer::Silent, _) | (_, Some(ProbeAnswer::Late)) => {
            failed("does not answer within 2 s", told.unwrap_or_default())
        }
        (Answer::NotHttp(text), _) | (_, Some(ProbeAnswer::Other(text))) => {
            failed("does not answer in HTTP", text)
        }
        (answer, _) => {
            let message = match answer {
                Answer::Status { status, .. } => format!("{after}, though {path} answers {status} now"),
                _ => after,
            };
            Cause::new(
                CauseCode::TimedOut,
                message,
                "deploy again; a slow start needs a longer `progress_deadline_s`",
            )
            .with_proof(told.unwrap_or_default())
        }
    }
}

/// The other ports on which an app's pod listens, and what its log says.
pub(super) async fn other_listeners(
    cluster: &Cluster,
    target: &Target,
    subject: &Subject,
    pod: &str,
) -> (Vec<u16>, String) {
    other_ports(&Api::namespaced(cluster.client.clone(), &target.namespace()), subject, pod).await
}

async fn other_ports(pods: &Api<Pod>, subject: &Subject, pod: &str) -> (Vec<u16>, String) {
    let log = log(pods, pod, &subject.container).await.unwrap_or_default();
    (listeners::find(pods, pod, subject.port, &log).await, log)
}

/// Ports, for people.
fn nothing_listens(port: u16, others: &[u16], log: String) -> Cause {
    match others.first() {
        Some(other) => Cause::new(
            CauseCode::NothingListens,
            format!("nothing listens on port {port}, but something does on {}", list_ports(others)),
            format!("write `port = {other}` in iterapp.toml, or let the app listen on the port in PORT"),
        ),
        None => Cause::new(
            CauseCode::NothingListens,
            format!("nothing listens on port {port}"),
            "let the app listen on the port in PORT, on 0.0.0.0, or write its port as `port` in iterapp.toml",
        ),
    }
    .with_proof(log)
}

/// The last lines of a container's process, the ended one's where it waits to be started again; none where they cannot be
/// read, which is not the same as there being none.
async fn log(pods: &Api<Pod>, pod: &str, container: &str) -> Option<String> {
    let params = |previous| LogParams {
        container: Some(container.to_owned()),
        tail_lines: Some(LOG_LINES),
        previous,
        ..LogParams::default()
    };
    let mut was_read = true;
    for previous in [false, true] {
        match tokio::time::timeout(QUESTION, pods.logs(pod, &params(previous))).await {
            // These words are the kubelet's, not the app's.
            Ok(Ok(lines)) if lines.starts_with(REMOVED) => was_read = false,
            Ok(Ok(lines)) if !lines.trim().is_empty() => return Some(lines.trim_end().to_owned()),
            // The API server's answer where there is no such process.
            Ok(Ok(_) | Err(kube::Error::Api(_))) => {}
            Ok(Err(_)) | Err(_) => was_read = false,
        }
    }
    was_read.then(String::new)
}
