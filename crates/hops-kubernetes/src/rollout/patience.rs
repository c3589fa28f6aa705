//! How long a roll-out that is on its way is waited for. Pure, but for the time that it is given.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    judge::{Doubt, Finding},
    prove::list,
};
use crate::Settings;

/// An app that refuses connections for this long may listen on another port; time to look.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// Kubernetes itself says when a deadline has passed; this long after that HOPS says so in its stead.
const AFTER_DEADLINE: Duration = Duration::from_secs(10);

/// What was seen of a roll-out so far.
#[derive(Debug)]
pub(super) struct Patience {
    /// When it last came forward.
    progress: Instant,
    /// Ready pods and words, as last told.
    told: Option<(u32, String)>,
    doubtful_since: Option<Instant>,
    /// Other ports on which its pod listens, once somebody looks for them.
    elsewhere: Option<Vec<u16>>,
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait, at most until then.
    Wait {
        until: Instant,
        /// What to tell, where that is new.
        tell: Option<(u32, String)>,
        /// The pod to look at for other ports.
        look_at: Option<String>,
    },
    /// It will not become live.
    GiveUp(Finding),
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self { progress: now, told: None, doubtful_since: None, elsewhere: None }
    }

    /// How long nothing came forward.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        now - self.progress
    }

    /// Takes in on which other ports its pod listens.
    pub(super) fn hear(&mut self, ports: Vec<u16>) {
        self.elsewhere = Some(ports);
    }

    /// Looks at a roll-out that is on its way.
    pub(super) fn wait(
        &mut self,
        now: Instant,
        settings: &Settings,
        ready: u32,
        mut message: String,
        doubt: Option<Doubt>,
    ) -> Next {
        if self.told.as_ref().is_none_or(|told| told.0 != ready) {
            self.progress = now;
        }
        self.doubtful_since = doubt.as_ref().and(self.doubtful_since.or(Some(now)));
        let since = self.doubtful_since.unwrap_or(now);
        let mut until = self.progress + settings.progress_deadline + AFTER_DEADLINE;
        let mut finding = Finding::TimedOut { message: message.clone() };
        let mut look_at = None;
        match doubt {
            Some(Doubt::NoRoom { message }) => {
                until = until.min(since + settings.room_wait);
                finding = Finding::DoesNotFit { message };
            }
            Some(Doubt::ClientError { pod, told }) => {
                until = until.min(since + settings.mistake_deadline);
                finding = Finding::NotReady { pod, told: Some(told) };
            }
            // It may just be slow to start, unless it has started elsewhere.
            Some(Doubt::Refuses { pod, told }) => match &self.elsewhere {
                Some(ports) if !ports.is_empty() => {
                    message = format!("{message}, but something does on {}", list(ports));
                    until = until.min(since + settings.mistake_deadline);
                    finding = Finding::NotReady { pod, told: Some(told) };
                }
                Some(_) => {}
                None if now < since + LOOK_AFTER => until = until.min(since + LOOK_AFTER),
                None => {
                    self.elsewhere = Some(Vec::new());
                    look_at = Some(pod);
                }
            },
            None => {}
        }
        if until <= now {
            return Next::GiveUp(finding);
        }
        let told = Some((ready, message));
        let tell = told.clone().filter(|_| told != self.told);
        self.told = told;
        Next::Wait { until, tell, look_at }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::view::{Asked, FailedProbe},
        *,
    };

    /// Looks at a roll-out of which nothing changes, at these seconds after its begin.
    fn check(doubt: &Doubt, seconds: &[u64]) -> Vec<Next> {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        let settings = Settings { room_wait: Duration::from_secs(2), ..Settings::default() };
        let mut look = |second: &u64| {
            let now = begin + Duration::from_secs(*second);
            patience.wait(now, &settings, 0, "waiting".into(), Some(doubt.clone()))
        };
        seconds.iter().map(&mut look).collect()
    }

    fn refuses() -> Doubt {
        let told = FailedProbe {
            container: "web".into(),
            asked: Asked::Readiness,
            words: "connection refused".into(),
        };
        Doubt::Refuses { pod: "web-1".into(), told }
    }

    #[test]
    fn pods_that_do_not_fit_are_given_up_after_the_wait_for_room() {
        let seen = check(&Doubt::NoRoom { message: "full".into() }, &[0, 1, 2]);
        assert!(matches!(seen[1], Next::Wait { tell: None, .. }), "{seen:?}");
        assert_eq!(seen[2], Next::GiveUp(Finding::DoesNotFit { message: "full".into() }));
    }

    #[test]
    fn a_pod_that_refuses_connections_is_looked_at_once_and_waited_for_to_the_end() {
        let seen = check(&refuses(), &[0, 4, 5, 6, 189, 190]);
        let looks = |next: &Next| matches!(next, Next::Wait { look_at: Some(_), .. });
        assert_eq!(seen.iter().map(looks).collect::<Vec<_>>(), [false, false, true, false, false, false]);
        assert_eq!(seen[5], Next::GiveUp(Finding::TimedOut { message: "waiting".into() }));
    }

    #[test]
    fn an_app_that_listens_elsewhere_has_failed_after_a_while() {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        let settings = Settings::default();
        let mut at = |second: u64, ports: Option<u16>| {
            if let Some(port) = ports {
                patience.hear(vec![port]);
            }
            let now = begin + Duration::from_secs(second);
            patience.wait(now, &settings, 0, "waiting".into(), Some(refuses()))
        };
        assert!(matches!(at(0, None), Next::Wait { .. }));
        assert!(matches!(at(5, None), Next::Wait { look_at: Some(_), .. }));
        let Next::Wait { tell: Some((0, told)), .. } = at(6, Some(9000)) else { panic!("it is told where") };
        assert!(told.contains("9000"), "{told}");
        assert!(matches!(at(29, None), Next::Wait { .. }));
        assert!(matches!(at(30, None), Next::GiveUp(Finding::NotReady { told: Some(_), .. })));
    }

    #[test]
    fn a_doubt_that_passes_begins_anew() {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        let settings = Settings { room_wait: Duration::from_secs(2), ..Settings::default() };
        let no_room = || Some(Doubt::NoRoom { message: "full".into() });
        for (second, doubt) in [(0, no_room()), (1, None), (2, no_room()), (3, no_room())] {
            let next =
                patience.wait(begin + Duration::from_secs(second), &settings, 0, "waiting".into(), doubt);
            assert!(matches!(next, Next::Wait { .. }), "{second}: {next:?}");
        }
    }
}
