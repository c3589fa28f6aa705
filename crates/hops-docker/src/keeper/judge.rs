//! What is known, judged: is an appling live, on its way, or certain to fail. Pure.
//!
//! A failure is certain where nothing that HOPS or Docker will do by itself can change it. A container that is merely
//! not ready is not certain before a deadline: slow starts are legitimate.

use hops_engine::{Doubt, Standing};
use hops_model::{ApplingName, Cause};

use super::view::{Asked, Exit, Stage, Told, Trouble, View};
use crate::probe::Answer;

/// What was found to be wrong; the cause before its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The words were found where it went wrong.
    Known(Cause),
    /// A process exits again and again.
    Exited { instance: String, exit: Exit, restarts: u32 },
    /// A process took more memory than it may.
    OutOfMemory { instance: String, sidecar: Option<ApplingName> },
    /// Not ready in time, with the last that its path answered.
    NotReady { instance: String, told: Option<Told> },
    /// Not even started in time.
    TimedOut { message: String },
}

/// What fails for a passing reason, such as a network fault on the way to a registry, is tried this often before it
/// counts.
const ATTEMPTS: u32 = 3;

/// Judges the instances of one form.
pub(crate) fn judge(views: &[View]) -> Standing<Finding> {
    if views.iter().all(View::is_ready) {
        return Standing::Live;
    }
    if let Some(finding) = views.iter().find_map(certain) {
        return Standing::Failed(finding);
    }
    let waiting: Vec<&View> = views.iter().filter(|view| !view.is_ready()).collect();
    Standing::Rolling {
        ready: u32::try_from(views.len() - waiting.len()).unwrap_or(u32::MAX),
        message: waiting.first().map_or_else(String::new, |view| describe(view)),
        doubt: waiting.iter().find_map(|view| doubtful(view)),
    }
}

/// What is wrong once nothing has come forward for too long.
pub(crate) fn overdue(views: &[View]) -> Finding {
    let mut waiting = views.iter().filter(|view| !view.is_ready());
    let runs = |view: &&View| view.stage == Stage::Running;
    if let Some(view) = waiting.clone().find(runs) {
        return Finding::NotReady { instance: view.name.clone(), told: view.told.clone() };
    }
    if let Some(Stage::Creating(Some(trouble))) = waiting.clone().map(|view| &view.stage).next() {
        return Finding::Known(trouble.cause.clone());
    }
    Finding::TimedOut { message: waiting.next().map_or_else(String::new, describe) }
}

/// What is wrong with an instance for certain.
fn certain(view: &View) -> Option<Finding> {
    if let Stage::Creating(Some(trouble)) = &view.stage {
        let Trouble { cause, is_certain, attempts } = trouble;
        return (*is_certain || *attempts >= ATTEMPTS).then(|| Finding::Known(cause.clone()));
    }
    let exit = view.exit.as_ref().filter(|_| view.stage == Stage::Exited)?;
    // One exit is forgiven, as the container is started again at once; the second shows the rule.
    if view.restarts == 0 {
        return None;
    }
    let instance = view.name.clone();
    Some(if exit.is_out_of_memory {
        Finding::OutOfMemory { instance, sidecar: exit.sidecar.clone() }
    } else {
        Finding::Exited { instance, exit: exit.clone(), restarts: view.restarts }
    })
}

/// What points to a mistake in a running app.
fn doubtful(view: &View) -> Option<Doubt<Finding>> {
    let of_app = |told: &&Told| !matches!(told.asked, Asked::Startup(_));
    let told = view.told.as_ref().filter(of_app).filter(|_| view.stage == Stage::Running)?;
    let instance = view.name.clone();
    let finding = Finding::NotReady { instance: instance.clone(), told: Some(told.clone()) };
    match &told.answer {
        Answer::Refused => Some(Doubt::Refuses { instance, finding }),
        answer if answer.is_client_error() => Some(Doubt::Mistaken(finding)),
        _ => None,
    }
}

/// What an instance that takes no requests is doing, for people.
pub(crate) fn describe(view: &View) -> String {
    match (&view.stage, &view.exit, &view.told) {
        (Stage::Creating(None), ..) => "making the container".to_owned(),
        (Stage::Creating(Some(trouble)), ..) => trouble.cause.message.clone(),
        (Stage::Starting(Some(sidecar)), _, Some(told)) => {
            format!("waiting for the sidecar {sidecar}: {}", answer("its path", &told.answer))
        }
        (Stage::Starting(Some(sidecar)), ..) => format!("waiting for the sidecar {sidecar}"),
        (Stage::Starting(None), ..) => "starting the container".to_owned(),
        (Stage::Exited, Some(exit), _) => format!("exited with {}, to be started again", exit.code),
        (Stage::Exited, None, _) => "stopped, to be started again".to_owned(),
        (Stage::Running, _, Some(Told { asked: Asked::Liveness, answer: got })) => {
            answer("the liveness path", got)
        }
        (Stage::Running, _, Some(told)) => answer("the readiness path", &told.answer),
        (Stage::Running, _, None) => "waiting for the readiness path".to_owned(),
        (Stage::Ready, ..) => "takes requests".to_owned(),
    }
}

/// What a path answers, for people.
fn answer(path: &str, answer: &Answer) -> String {
    match answer {
        Answer::Refused => "nothing listens on the port yet".to_owned(),
        Answer::Late => format!("{path} does not answer in time"),
        Answer::Status { status, .. } => format!("{path} answers {status}"),
        Answer::Closed => format!("{path} does not answer: the connection was closed"),
        Answer::NotHttp(_) => format!("{path} does not answer in HTTP"),
        Answer::Unreachable(words) => format!("{path} does not answer: {words}"),
    }
}

#[cfg(test)]
mod tests;
