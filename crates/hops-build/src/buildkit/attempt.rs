//! One build, tried again where that is safe: a build leaves nothing behind but cache.

use std::{collections::HashMap, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use hops_buildkit::{BuildError, Built, Client, Outcome, Progress, Solve};
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
            let mut told = Told::default();
            while let Some(progress) = seen.recv().await {
                if let Some(event) = told.event(progress, self.appling, &solve.dockerfile) {
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

/// What people were told of one attempt.
///
/// The builder comes back to a step several times, mostly to fetch the layers of a result that it found in a cache.
/// People are told when a step begins, when it ends, and once more if it took noticeably longer after all.
#[derive(Default)]
struct Told(HashMap<usize, Option<Duration>>);

/// What is worth another word.
const NOTICEABLE: Duration = Duration::from_secs(1);

impl Told {
    /// What to tell of it, if anything. Steps of the builder's own are not told: they are many and quick.
    fn event(&mut self, progress: Progress, appling: &ApplingName, dockerfile: &str) -> Option<Event> {
        let appling = appling.clone();
        match progress {
            Progress::Started { step } if !step.is_internal() && !self.0.contains_key(&step.number) => {
                self.0.insert(step.number, None);
                let (step, state) = (step.name.to_string(), StepState::Started);
                Some(Event::BuildStep { appling, step, state, duration_ms: None })
            }
            Progress::Finished { step, outcome, duration } if !step.is_internal() => {
                let state = match outcome {
                    Outcome::Done => StepState::Done,
                    Outcome::Cached => StepState::Cached,
                    Outcome::Failed { .. } => StepState::Failed,
                    // Another step failed, and says why.
                    Outcome::Cancelled => return None,
                };
                let last = self.0.get(&step.number).copied().flatten();
                if state != StepState::Failed && last.is_some_and(|last| duration < last + NOTICEABLE) {
                    return None;
                }
                self.0.insert(step.number, Some(duration));
                let duration_ms = u64::try_from(duration.as_millis()).ok();
                Some(Event::BuildStep { appling, step: step.name.to_string(), state, duration_ms })
            }
            Progress::Log { line, .. } => Some(Event::BuildLog { appling, line }),
            Progress::Warning { message, line, .. } => {
                let place = line.map_or_else(|| dockerfile.to_owned(), |line| format!("{dockerfile}:{line}"));
                Some(Event::Warning { message: format!("{place}: {message}") })
            }
            Progress::Started { .. } | Progress::Finished { .. } | Progress::Moved { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hops_buildkit::Step;

    use super::*;

    #[test]
    fn a_step_that_the_builder_comes_back_to_is_told_once() {
        let step = |name: &str| Step { number: name.len(), name: name.into() };
        let started = |name| Progress::Started { step: step(name) };
        let finished = |name, outcome, millis| {
            let duration = Duration::from_millis(millis);
            Progress::Finished { step: step(name), outcome, duration }
        };
        let appling = ApplingName::parse("api").unwrap();
        let mut told = Told::default();
        let mut seen = Vec::new();
        for progress in [
            started("[internal] load"),
            started("[2/2] RUN x"),
            finished("[2/2] RUN x", Outcome::Cached, 0),
            started("[2/2] RUN x"),
            finished("[2/2] RUN x", Outcome::Done, 300),
            started("[2/2] RUN x"),
            finished("[2/2] RUN x", Outcome::Done, 1_400),
            finished("[2/2] RUN x", Outcome::Failed { message: "x".into() }, 1_500),
            finished("[1/2] FROM y", Outcome::Cancelled, 5),
        ] {
            if let Some(Event::BuildStep { state, duration_ms, .. }) = told.event(progress, &appling, "D") {
                seen.push((state, duration_ms));
            }
        }
        let expected = [
            (StepState::Started, None),
            (StepState::Cached, Some(0)),
            (StepState::Done, Some(1_400)),
            (StepState::Failed, Some(1_500)),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_warning_of_the_frontend_has_its_place() {
        let warning = Progress::Warning { message: "old form".into(), line: Some(3), url: None };
        let event = Told::default().event(warning, &ApplingName::parse("api").unwrap(), "api/Dockerfile");
        assert_eq!(event, Some(Event::Warning { message: "api/Dockerfile:3: old form".into() }));
    }
}
