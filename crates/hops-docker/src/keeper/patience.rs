//! How long a roll-out that is on its way is waited for. Pure, but for the time that it is given.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    judge::{Doubt, Finding, overdue},
    prove::list,
    view::View,
};
use crate::Settings;

/// An app that refuses connections for this long may listen on another port; time to look.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// What was seen of a roll-out so far.
#[derive(Debug)]
pub(super) struct Patience {
    /// When it last came forward.
    progress: Instant,
    /// Ready instances and words, as last told.
    told: Option<(u32, String)>,
    doubtful_since: Option<Instant>,
    /// Other ports on which its instance listens, once somebody looks for them.
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
        /// The instance to look at for other ports.
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

    /// Waits as long as if it had just come forward.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        self.progress = now;
        self.doubtful_since = None;
    }

    /// Takes in on which other ports its instance listens.
    pub(super) fn hear(&mut self, ports: Vec<u16>) {
        self.elsewhere = Some(ports);
    }

    /// Looks at a roll-out that is on its way.
    pub(super) fn wait(
        &mut self,
        now: Instant,
        settings: &Settings,
        views: &[View],
        ready: u32,
        mut message: String,
        doubt: Option<Doubt>,
    ) -> Next {
        if self.told.as_ref().is_none_or(|told| told.0 != ready) {
            self.progress = now;
        }
        self.doubtful_since = doubt.as_ref().and(self.doubtful_since.or(Some(now)));
        let since = self.doubtful_since.unwrap_or(now);
        let mut until = self.progress + settings.progress_deadline;
        let mut mistake = None;
        let mut look_at = None;
        match doubt {
            Some(Doubt::ClientError { instance, told }) => {
                until = until.min(since + settings.mistake_deadline);
                mistake = Some(Finding::NotReady { instance, told: Some(told) });
            }
            // It may just be slow to start, unless it has started elsewhere.
            Some(Doubt::Refuses { instance, told }) => match &self.elsewhere {
                Some(ports) if !ports.is_empty() => {
                    message = format!("{message}, but something does on {}", list(ports));
                    until = until.min(since + settings.mistake_deadline);
                    mistake = Some(Finding::NotReady { instance, told: Some(told) });
                }
                Some(_) => {}
                None if now < since + LOOK_AFTER => until = until.min(since + LOOK_AFTER),
                None => {
                    self.elsewhere = Some(Vec::new());
                    look_at = Some(instance);
                }
            },
            None => {}
        }
        if until <= now {
            return Next::GiveUp(mistake.unwrap_or_else(|| overdue(views)));
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
        super::view::{Asked, Stage, Told},
        *,
    };
    use crate::probe::Answer;

    fn views() -> Vec<View> {
        vec![View { stage: Stage::Running, ..View::new("web-1".to_owned()) }]
    }

    fn look(patience: &mut Patience, now: Instant, doubt: Option<Doubt>) -> Next {
        patience.wait(now, &Settings::default(), &views(), 0, "waiting".to_owned(), doubt)
    }

    fn refuses() -> Doubt {
        let told = Told { asked: Asked::Readiness, answer: Answer::Refused };
        Doubt::Refuses { instance: "web-1".to_owned(), told }
    }

    fn client_error() -> Doubt {
        let answer = Answer::Status { status: 404, text: String::new() };
        let told = Told { asked: Asked::Readiness, answer };
        Doubt::ClientError { instance: "web-1".to_owned(), told }
    }

    #[test]
    fn an_instance_that_refuses_connections_is_looked_at_once_and_waited_for_to_the_end() {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        let mut at = |second| look(&mut patience, begin + Duration::from_secs(second), Some(refuses()));
        let looks = |next: &Next| matches!(next, Next::Wait { look_at: Some(_), .. });
        assert_eq!([0, 4, 5, 6, 179].map(|second| looks(&at(second))), [false, false, true, false, false]);
        assert_eq!(at(180), Next::GiveUp(Finding::NotReady { instance: "web-1".to_owned(), told: None }));
    }

    #[test]
    fn an_app_that_listens_elsewhere_has_failed_after_a_while() {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        let mut at = |second, port: Option<u16>| {
            if let Some(port) = port {
                patience.hear(vec![port]);
            }
            look(&mut patience, begin + Duration::from_secs(second), Some(refuses()))
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
        for (second, doubt) in
            [(0, Some(client_error())), (20, None), (25, Some(client_error())), (54, Some(client_error()))]
        {
            let next = look(&mut patience, begin + Duration::from_secs(second), doubt);
            assert!(matches!(next, Next::Wait { .. }), "{second}: {next:?}");
        }
        let next = look(&mut patience, begin + Duration::from_secs(55), Some(client_error()));
        assert!(matches!(next, Next::GiveUp(Finding::NotReady { told: Some(_), .. })), "{next:?}");
    }

    #[test]
    fn another_ready_instance_is_progress() {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        let settings = Settings::default();
        let mut at = |second, ready| {
            let now = begin + Duration::from_secs(second);
            patience.wait(now, &settings, &views(), ready, "waiting".to_owned(), None)
        };
        assert!(matches!(at(0, 0), Next::Wait { .. }));
        assert!(matches!(at(170, 1), Next::Wait { .. }));
        assert!(matches!(at(340, 1), Next::Wait { tell: None, .. }));
        assert!(matches!(at(350, 1), Next::GiveUp(_)));
    }
}
