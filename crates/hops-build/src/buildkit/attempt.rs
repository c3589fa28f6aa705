//! One build, tried again where that is safe: a build leaves nothing behind but cache.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use hops_buildkit::{BuildError, Built, Client, Outcome, Progress, Solve, Step};
use hops_model::{ApplingName, Event, event::StepState};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::tell;

/// Progress that may wait to be told.
const WAITING: usize = 256;

/// Builds, and tells how it goes.
pub(super) async fn build(
    client: &Client,
    solve: &Solve,
    appling: &ApplingName,
    retries: usize,
    events: &UnboundedSender<Event>,
) -> Result<Built, BuildError> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(8))
        .with_max_times(retries);
    let once = || async { once(client, solve, appling, events).await };
    once.retry(pauses)
        .when(BuildError::is_retryable)
        .notify(|error, pause| {
            let message = format!("{appling}: {error}; trying again in {} ms", pause.as_millis());
            tell(events, Event::Warning { message });
        })
        .await
}

async fn once(
    client: &Client,
    solve: &Solve,
    appling: &ApplingName,
    events: &UnboundedSender<Event>,
) -> Result<Built, BuildError> {
    let (progress, mut seen) = mpsc::channel(WAITING);
    // Never cancelled by it: dropping this future does the same.
    let token = CancellationToken::new();
    let listen = async {
        while let Some(progress) = seen.recv().await {
            if let Some(event) = event(progress, appling, &solve.dockerfile) {
                tell(events, event);
            }
        }
    };
    let (built, ()) = tokio::join!(client.solve(solve, progress, &token), listen);
    built
}

/// What people are told of it. Steps of the builder's own are not: they are many and quick.
fn event(progress: Progress, appling: &ApplingName, dockerfile: &str) -> Option<Event> {
    let appling = appling.clone();
    let step = |step: &Step, state, duration_ms| {
        let name = step.name.to_string();
        (!step.is_internal()).then_some(Event::BuildStep {
            appling: appling.clone(),
            step: name,
            state,
            duration_ms,
        })
    };
    match progress {
        Progress::Started { step: started } => step(&started, StepState::Started, None),
        Progress::Finished { step: finished, outcome, duration } => {
            let state = match outcome {
                Outcome::Done => StepState::Done,
                Outcome::Cached => StepState::Cached,
                Outcome::Failed { .. } => StepState::Failed,
                // Another step failed, and says why.
                Outcome::Cancelled => return None,
            };
            step(&finished, state, u64::try_from(duration.as_millis()).ok())
        }
        Progress::Log { line, .. } => Some(Event::BuildLog { appling, line }),
        Progress::Warning { message, line, .. } => {
            let place = line.map_or_else(|| dockerfile.to_owned(), |line| format!("{dockerfile}:{line}"));
            Some(Event::Warning { message: format!("{place}: {message}") })
        }
        Progress::Moved { .. } => None,
    }
}
