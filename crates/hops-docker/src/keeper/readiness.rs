//! When to ask an instance, and what its answers mean. Pure, but for the time that it is given.

use std::time::Duration;

use tokio::time::Instant;

use crate::probe::Answer;

/// How often readiness is asked for (design.md 1, promise 8).
const PERIOD: Duration = Duration::from_secs(2);

/// Until it is ready for the first time, an instance is asked eagerly: the wait adds at most a tenth to its start.
const EAGER_MIN: Duration = Duration::from_millis(20);
const EAGER_MAX: Duration = Duration::from_secs(1);

/// One failure may be a hiccup of the machine, two are an answer. As on Kubernetes.
const FAILURES: u32 = 2;

/// How often liveness is asked for, and how many failures in a row mean a restart. As on Kubernetes.
const LIVENESS_PERIOD: Duration = Duration::from_secs(10);
const LIVENESS_FAILURES: u32 = 3;

/// Whether an instance takes requests. Begins anew with each process.
#[derive(Debug)]
pub(super) struct Readiness {
    begun: Instant,
    next: Instant,
    was_ready: bool,
    is_ready: bool,
    failures: u32,
}

impl Readiness {
    /// A process that has just started, or was found running.
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: now, next: now, was_ready: false, is_ready: false, failures: 0 }
    }

    /// When to ask next.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether it takes requests.
    pub(super) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Takes in an answer.
    pub(super) fn hear(&mut self, now: Instant, answer: &Answer) {
        if answer.is_good() {
            (self.is_ready, self.was_ready, self.failures) = (true, true, 0);
        } else {
            self.failures += 1;
            self.is_ready &= self.failures < FAILURES;
        }
        self.next = now + if self.was_ready { PERIOD } else { eager(now - self.begun) };
    }
}

/// Whether an instance has to be restarted. Begins anew with each process.
#[derive(Debug)]
pub(super) struct Liveness {
    begun: Instant,
    next: Instant,
    /// A slow start is no reason for a restart: failures count from the first good answer on.
    has_answered: bool,
    failures: u32,
}

impl Liveness {
    /// A process that has just started, or was found running and so has started some time ago.
    pub(super) fn new(now: Instant, was_found: bool) -> Self {
        Self { begun: now, next: now, has_answered: was_found, failures: 0 }
    }

    /// Whether it is done with starting.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// When to ask next.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Takes in an answer; whether it has to be restarted.
    pub(super) fn hear(&mut self, now: Instant, answer: &Answer) -> bool {
        if answer.is_good() {
            (self.has_answered, self.failures) = (true, 0);
        } else if self.has_answered {
            self.failures += 1;
        }
        self.next = now + if self.has_answered { LIVENESS_PERIOD } else { eager(now - self.begun) };
        self.failures >= LIVENESS_FAILURES
    }
}

/// The pause until a process that starts is asked again.
fn eager(age: Duration) -> Duration {
    (age / 10).clamp(EAGER_MIN, EAGER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Answer {
        Answer::Status { status, text: String::new() }
    }

    #[test]
    fn one_failure_is_a_hiccup_two_are_an_answer_and_one_success_ends_it() {
        let now = Instant::now();
        let mut readiness = Readiness::new(now);
        let mut hear = |answer| {
            readiness.hear(now, &answer);
            readiness.is_ready()
        };
        assert_eq!(
            [200, 500, 399, 404, 500, 500, 204].map(|code| hear(status(code))),
            [true, true, true, true, false, false, true]
        );
    }

    #[test]
    fn who_was_never_ready_is_not_made_so_by_a_first_failure() {
        let mut readiness = Readiness::new(Instant::now());
        readiness.hear(Instant::now(), &Answer::Refused);
        assert!(!readiness.is_ready());
    }

    #[test]
    fn a_start_is_watched_eagerly_and_then_every_two_seconds() {
        let begun = Instant::now();
        let mut readiness = Readiness::new(begun);
        let mut pause = |milliseconds, answer: Answer| {
            let now = begun + Duration::from_millis(milliseconds);
            readiness.hear(now, &answer);
            (readiness.next() - now).as_millis()
        };
        assert_eq!(pause(0, Answer::Refused), 20);
        assert_eq!(pause(1000, Answer::Refused), 100);
        assert_eq!(pause(60_000, Answer::Refused), 1000);
        assert_eq!(pause(61_000, status(200)), 2000);
        assert_eq!(pause(63_000, status(500)), 2000);
    }

    #[test]
    fn three_failures_in_a_row_after_a_success_mean_a_restart() {
        let now = Instant::now();
        let mut liveness = Liveness::new(now, false);
        let mut hear = |code| liveness.hear(now, &status(code));
        assert_eq!(
            [500, 500, 500, 500, 200, 500, 500, 200, 500, 500, 500].map(&mut hear),
            [false, false, false, false, false, false, false, false, false, false, true]
        );
    }
}
