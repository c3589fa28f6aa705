//! What became of the requests.

use std::{collections::BTreeMap, time::Duration};

use super::Request;

/// What became of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that went out.
    pub sent: u64,
    /// The same, by kind.
    pub sent_of: BTreeMap<&'static str, u64>,
    /// Those that were answered with 200 to 299, whole.
    pub answered: u64,
    /// The others, by what went wrong.
    pub failed: BTreeMap<String, u64>,
    /// By how much the load went slower than it should have: the machine could not keep its rate.
    pub behind: Duration,
    /// Each of those that failed.
    pub failures: Vec<Failure>,
    latencies: Vec<Duration>,
}

/// A request that was not answered as it should be. Times are those since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it was due.
    pub due: Duration,
    /// When it was given up.
    pub ended: Duration,
    /// Its kind, and what went wrong.
    pub reason: String,
}

/// One request, when it is over.
pub(super) struct Done {
    pub(super) request: Request,
    /// After the start.
    pub(super) due: Duration,
    pub(super) latency: Duration,
    pub(super) result: Result<(), String>,
}

impl Tally {
    pub(super) fn count_sent(&mut self, request: Request) {
        self.sent += 1;
        *self.sent_of.entry(request.kind()).or_default() += 1;
    }

    pub(super) fn count(&mut self, done: Done) {
        match done.result {
            Ok(()) => {
                self.answered += 1;
                // Of requests that are meant to take long, the latency tells nothing.
                if matches!(done.request, Request::KeepAlive | Request::Fresh) {
                    self.latencies.push(done.latency);
                }
            }
            Err(reason) => {
                let reason = format!("{}: {reason}", done.request.kind());
                *self.failed.entry(reason.clone()).or_default() += 1;
                self.failures.push(Failure { due: done.due, ended: done.due + done.latency, reason });
            }
        }
    }

    /// The latency that this share of the answered quick requests stayed below; `0.99` for all but one in a hundred.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a list of requests"
        )]
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |share| self.quantile(share).as_millis();
        write!(
            f,
            "{} of {} answered, median {} ms, 99 % {} ms",
            self.answered,
            self.sent,
            ms(0.5),
            ms(0.99)
        )?;
        for (reason, count) in &self.failed {
            write!(f, "; {count} × {reason}")?;
        }
        if !self.behind.is_zero() {
            write!(f, "; the rate was not kept, the load was {:.1} s behind", self.behind.as_secs_f64())?;
        }
        Ok(())
    }
}
