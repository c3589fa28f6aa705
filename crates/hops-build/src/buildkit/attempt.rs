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

/// One build, with all that is needed to try it.
pub(super) struct Attempts<'build> {
    pub(super) client: &'build Client,
    pub(super) solve: &'build Solve,
    /// The builder is taken to have the cache itself.
    pub(super) is_warm: bool,
    pub(super) appling: &'build ApplingName,
    pub(super) retries: usize,
    pub(super) events: &'build UnboundedSender<Event>,
}

impl Attempts<'_> {
    /// Builds, and tells how it goes.
    pub(super) async fn run(&self) -> Result<Built, BuildError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(self.retries);
        let mut is_warm = self.is_warm;
        let once = || {
            // A builder that went away comes back with an empty cache, it may be.
            let solve =
                if std::mem::take(&mut is_warm) { without_cache(self.solve) } else { self.solve.clone() };
            self.once(solve)
        };
        once.retry(pauses)
            .when(BuildError::is_retryable)
            .notify(|error, pause| {
                let message = format!("{}: {error}; trying again in {} ms", self.appling, pause.as_millis());
                tell(self.events, Event::Warning { message });
            })
            .await
    }

    async fn once(&self, solve: Solve) -> Result<Built, BuildError> {
        let (progress, mut seen) = mpsc::channel(WAITING);
        // Never cancelled by it: dropping this future does the same.
        let token = CancellationToken::new();
        let listen = async {
            while let Some(progress) = seen.recv().await {
                if let Some(event) = event(progress, self.appling, &solve.dockerfile) {
                    tell(self.events, event);
                }
            }
        };
        let (built, ()) = tokio::join!(self.client.solve(&solve, progress, &token), listen);
        built
    }
}

fn without_cache(solve: &Solve) -> Solve {
    Solve { cache_from: Vec::new(), ..solve.clone() }
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
