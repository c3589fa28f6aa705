//! From a finding to a cause: the words for people, and the proof, which takes questions to the container.

use std::{sync::Arc, time::Duration};

use hops_engine::list_ports;
use hops_model::{ApplingName, Cause, CauseCode, DesiredAppling, Target};

use super::{
    judge::Finding,
    view::{Asked, Exit, Told},
};
use crate::{
    daemon::{Container, Instance, InstanceId, Listener, init_failure},
    labels::Role,
    probe::{self, Answer},
    site::Site,
};

/// How many log lines are shown.
const LOG_LINES: u32 = 20;

/// How long a question may take on a busy machine. What worked before is not touched meanwhile.
const QUESTION: Duration = Duration::from_secs(10);

/// What a cause is about.
pub(super) struct Subject {
    pub(super) site: Arc<Site>,
    pub(super) target: Target,
    pub(super) form: DesiredAppling,
    /// The instance that the finding names.
    pub(super) id: Option<InstanceId>,
}

/// Finds the words for what was found.
pub(super) async fn prove(subject: &Subject, finding: Finding, waited: Duration) -> Cause {
    let instance = tokio::time::timeout(QUESTION, subject.look()).await.ok().flatten();
    let waited = waited.as_secs();
    match finding {
        Finding::Known(cause) => cause,
        Finding::Exited { exit, restarts, .. } => {
            let container = container(instance.as_ref(), exit.sidecar.as_ref());
            let log = subject.log(container).await;
            let of_init = |it: &Container| init_failure(&it.name, exit.code, log.as_deref()?);
            if let Some(cause) = container.and_then(of_init) {
                return cause;
            }
            // The daemon tells of it a moment later than of the end itself.
            if exit.is_out_of_memory || container.is_some_and(|container| container.is_out_of_memory) {
                return out_of_memory(&subject.form, exit.sidecar.as_ref(), &log.unwrap_or_default());
            }
            exited(&exit, restarts, log.as_deref())
        }
        Finding::OutOfMemory { sidecar, .. } => {
            let log = subject.log(container(instance.as_ref(), sidecar.as_ref())).await;
            out_of_memory(&subject.form, sidecar.as_ref(), &log.unwrap_or_default())
        }
        Finding::NotReady { told, .. } => not_ready(subject, instance.as_ref(), told, waited).await,
        Finding::TimedOut { message } => Cause::new(
            CauseCode::TimedOut,
            format!("not ready {waited} s after the last progress: {message}"),
            "deploy again; if it stays, `hops logs` and `docker events` have more",
        ),
    }
}

/// The other ports on which an instance listens.
pub(super) async fn other_ports(subject: &Subject) -> Vec<u16> {
    match tokio::time::timeout(QUESTION, subject.look()).await {
        Ok(Some(instance)) => reachable(&subject.listeners(&instance).await, subject.form.port.number()),
        _ => Vec::new(),
    }
}

impl Subject {
    async fn look(&self) -> Option<Instance> {
        self.site.daemon.instance(&self.target, self.id.as_ref()?).await.ok().flatten()
    }

    /// The last lines of a container; none where they cannot be read, which is not the same as there being none.
    async fn log(&self, container: Option<&Container>) -> Option<Vec<String>> {
        let tail = self.site.daemon.tail(&container?.id, LOG_LINES);
        match tokio::time::timeout(QUESTION, tail).await.ok()? {
            Ok(lines) => Some(lines),
            Err(error) => {
                tracing::warn!(%error, target = %self.target, "a container's last lines cannot be read");
                None
            }
        }
    }

    async fn listeners(&self, instance: &Instance) -> Vec<Listener> {
        self.site.daemon.listening_ports(instance).await
    }
}

fn container<'a>(instance: Option<&'a Instance>, sidecar: Option<&ApplingName>) -> Option<&'a Container> {
    let role = sidecar.map_or(Role::App, |name| Role::Sidecar(name.clone()));
    instance?.container(&role)
}

fn reachable(listeners: &[Listener], port: u16) -> Vec<u16> {
    let others = listeners.iter().filter(|listener| !listener.is_loopback && listener.port != port);
    others.map(|listener| listener.port).collect()
}

fn exited(exit: &Exit, restarts: u32, log: Option<&[String]>) -> Cause {
    let who = who(exit.sidecar.as_ref());
    let times = restarts + 1;
    let how = match exit.code {
        code @ 129..=159 => format!("was ended {times} times by signal {}", code - 128),
        code => format!("exited {times} times, last with {code}"),
    };
    let help = if exit.code == 0 {
        "a service has to keep running: the command in the Dockerfile must not end or put itself in the background"
    } else {
        match log {
            None => "its last lines could not be read in time; `hops logs --previous` shows them",
            Some([]) => "it printed nothing; start the image locally to see why it ends",
            Some(_) => "see its last lines",
        }
    };
    Cause::new(CauseCode::Exited, format!("{who} {how}"), help).with_proof(log.unwrap_or_default().join("\n"))
}

fn out_of_memory(form: &DesiredAppling, sidecar: Option<&ApplingName>, log: &[String]) -> Cause {
    let limit = form.resources.limits.memory.as_ref().filter(|_| sidecar.is_none());
    let limit = limit.map_or_else(String::new, |limit| format!(" of {}", limit.as_str()));
    Cause::new(
        CauseCode::OutOfMemory,
        format!("{} took more memory than its limit{limit} and was killed", who(sidecar)),
        "raise `memory` in `[limits]` of iterapp.toml, or make it need less",
    )
    .with_proof(log.join("\n"))
}

fn who(sidecar: Option<&ApplingName>) -> String {
    sidecar.map_or_else(|| "the process".to_owned(), |name| format!("the sidecar {name}"))
}

async fn not_ready(subject: &Subject, instance: Option<&Instance>, told: Option<Told>, waited: u64) -> Cause {
    let port = subject.form.port.number();
    let of_liveness = told.as_ref().is_some_and(|told| told.asked == Asked::Liveness);
    let (key, path) = match &subject.form.liveness_path {
        Some(path) if of_liveness => ("liveness_path", path.as_str()),
        _ => ("readiness_path", subject.form.readiness_path.as_str()),
    };
    let told = told.map(|told| told.answer);
    // It may answer otherwise by now.
    let answer = match instance.and_then(|instance| instance.address) {
        Some(address) => Some(probe::ask((address, port).into(), path).await),
        None => told,
    };
    let after = format!("not ready {waited} s after the last progress");
    let failed = |answers: &str, proof: String| {
        let help = format!(
            "let the app answer GET {path} with 200, or name another path as `{key}` in iterapp.toml"
        );
        Cause::new(CauseCode::ReadinessFailed, format!("{after}: {path} {answers}"), help).with_proof(proof)
    };
    match answer {
        Some(Answer::Refused) => {
            let listeners = match instance {
                Some(instance) => subject.listeners(instance).await,
                None => Vec::new(),
            };
            let log = subject.log(container(instance, None)).await;
            nothing_listens(port, &listeners, &log.unwrap_or_default())
        }
        Some(Answer::Status { status, text }) if !(200..400).contains(&status) => {
            failed(&format!("answers {status}"), text)
        }
        Some(Answer::Status { status, text }) => {
            let message = format!("{after}, though {path} answers {status} now");
            Cause::new(CauseCode::TimedOut, message, SLOW).with_proof(text)
        }
        Some(Answer::Late) => {
            failed(&format!("does not answer within {} s", probe::TIMEOUT.as_secs()), String::new())
        }
        Some(Answer::Closed) => failed("does not answer: the connection was closed", String::new()),
        Some(Answer::NotHttp(text)) => failed("does not answer in HTTP", text),
        Some(Answer::Unreachable(words)) => failed("does not answer", words),
        None => Cause::new(CauseCode::TimedOut, after, SLOW),
    }
}

const SLOW: &str = "deploy again; a slow start needs a longer `progress_deadline_s`";

fn nothing_listens(port: u16, listeners: &[Listener], log: &[String]) -> Cause {
    let others = reachable(listeners, port);
    let is_inside = listeners.iter().any(|listener| listener.port == port && listener.is_loopback);
    let (message, help) = match others.first() {
        _ if is_inside => (
            format!("port {port} is open inside the container only"),
            format!("let the app listen on 0.0.0.0:{port} rather than on 127.0.0.1 or localhost"),
        ),
        Some(other) => (
            format!("nothing listens on port {port}, but something does on {}", list_ports(&others)),
            format!("write `port = {other}` in iterapp.toml, or let the app listen on the port in PORT"),
        ),
        None => (
            format!("nothing listens on port {port}"),
            "let the app listen on the port in PORT, on 0.0.0.0, or write its port as `port` in iterapp.toml"
                .to_owned(),
        ),
    };
    Cause::new(CauseCode::NothingListens, message, help).with_proof(log.join("\n"))
}

/// Ports, for people.
#[cfg(test)]
mod tests {
    use super::*;

    fn listener(port: u16, is_loopback: bool) -> Listener {
        Listener { port, is_loopback }
    }

    #[test]
    fn the_right_port_is_named() {
        let cause = nothing_listens(3030, &[listener(8123, false), listener(9229, true)], &[]);
        assert_eq!(cause.message, "nothing listens on port 3030, but something does on 8123");
        assert!(cause.help.contains("port = 8123"));
    }

    #[test]
    fn an_app_that_listens_inside_its_container_only_is_told_so() {
        let cause = nothing_listens(3030, &[listener(3030, true)], &[]);
        assert_eq!(cause.message, "port 3030 is open inside the container only");
    }

    #[test]
    fn an_end_is_told_by_code_or_signal() {
        let exit = |code| Exit { sidecar: None, code, is_out_of_memory: false };
        let lines = ["no DATABASE_URL".to_owned()];
        let cause = exited(&exit(7), 1, Some(&lines));
        assert_eq!(cause.message, "the process exited 2 times, last with 7");
        assert_eq!((cause.proof.as_str(), cause.help.as_str()), ("no DATABASE_URL", "see its last lines"));
        assert_eq!(exited(&exit(139), 1, Some(&[])).message, "the process was ended 2 times by signal 11");
        assert!(exited(&exit(0), 1, Some(&[])).help.contains("keep running"));
    }

    #[test]
    fn only_what_was_read_and_empty_is_said_to_be_empty() {
        let exit = Exit { sidecar: None, code: 7, is_out_of_memory: false };
        assert!(exited(&exit, 1, Some(&[])).help.contains("printed nothing"));
        assert!(exited(&exit, 1, None).help.contains("hops logs --previous"));
    }
}
