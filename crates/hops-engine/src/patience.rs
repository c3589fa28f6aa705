//! How long a roll-out that is on its way is waited for, whatever the engine. Pure: the time is given.

use std::time::Duration;

use tokio::time::Instant;

/// An app that refuses connections for this long may listen on another port; time to look.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// How an appling on its way stands; `F` is what an engine calls what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<F> {
    /// As many new instances as there are to be take requests.
    Live,
    /// On its way.
    Rolling {
        /// New instances that take requests.
        ready: u32,
        /// What is being waited for.
        message: String,
        /// What points to a failure.
        doubt: Option<Doubt<F>>,
    },
    /// It will not become live by itself.
    Failed(F),
}

/// What points to a failure, but may pass; `F` is what an engine calls what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt<F> {
    /// There is no room, and nothing makes some.
    NoRoom(F),
    /// An app runs and looks mistaken, such as one that answers its readiness path with a client error.
    Mistaken(F),
    /// An app runs and refuses connections. It may be slow to start, or listen elsewhere.
    Refuses {
        /// The instance to look at for other ports.
        instance: String,
        /// What was found if it listens elsewhere.
        finding: F,
    },
}

/// After how long what may pass counts.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Nothing comes forward.
    pub progress: Duration,
    /// A running app looks mistaken.
    pub mistake: Duration,
    /// There is no room.
    pub room: Duration,
}

/// What was seen of a roll-out so far.
#[derive(Debug)]
pub struct Patience {
    /// When it last came forward.
    progress: Instant,
    /// Ready instances and words, as last told.
    told: Option<(u32, String)>,
    doubtful_since: Option<Instant>,
    /// Other ports on which its instance listens, once somebody looks for them.
    elsewhere: Option<Vec<u16>>,
}

/// What to do about a roll-out.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<F> {
    /// Wait, at most until then.
    Wait {
        /// When to look again, even if nothing happens.
        until: Instant,
        /// Ready instances and words to tell, where they are new.
        tell: Option<(u32, String)>,
        /// The instance to look at for other ports.
        look_at: Option<String>,
    },
    /// It will not become live.
    GiveUp(F),
}

impl Patience {
    /// Begins to wait.
    pub fn new(now: Instant) -> Self {
        Self::begun(now, Duration::ZERO)
    }

    /// Goes on to wait for what came forward last so long ago.
    pub fn begun(now: Instant, ago: Duration) -> Self {
        // The clock began with the machine, perhaps later than that.
        let progress = now.checked_sub(ago).unwrap_or(now);
        Self { progress, told: None, doubtful_since: None, elsewhere: None }
    }

    /// How long nothing came forward.
    pub fn waited(&self, now: Instant) -> Duration {
        now - self.progress
    }

    /// Waits as long as if it had just come forward.
    pub fn begin_anew(&mut self, now: Instant) {
        self.progress = now;
        self.doubtful_since = None;
    }

    /// Takes in on which other ports its instance listens.
    pub fn hear(&mut self, ports: Vec<u16>) {
        self.elsewhere = Some(ports);
    }

    /// Looks at a roll-out that is on its way. `overdue` makes the finding of the message where nothing but time tells.
    pub fn wait<F>(
        &mut self,
        now: Instant,
        deadlines: Deadlines,
        ready: u32,
        mut message: String,
        doubt: Option<Doubt<F>>,
        overdue: impl FnOnce(String) -> F,
    ) -> Next<F> {
        if self.told.as_ref().is_some_and(|told| told.0 != ready) {
            self.progress = now;
        }
        self.doubtful_since = doubt.as_ref().and(self.doubtful_since.or(Some(now)));
        let since = self.doubtful_since.unwrap_or(now);
        let mut until = self.progress + deadlines.progress;
        let mut found = None;
        let mut look_at = None;
        match doubt {
            Some(Doubt::NoRoom(finding)) => {
                until = until.min(since + deadlines.room);
                found = Some(finding);
            }
            Some(Doubt::Mistaken(finding)) => {
                until = until.min(since + deadlines.mistake);
                found = Some(finding);
            }
            // It may just be slow to start, unless it has started elsewhere.
            Some(Doubt::Refuses { instance, finding }) => match &self.elsewhere {
                Some(ports) if !ports.is_empty() => {
                    message = format!("{message}, but something does on {}", list_ports(ports));
                    until = until.min(since + deadlines.mistake);
                    found = Some(finding);
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
            return Next::GiveUp(found.unwrap_or_else(|| overdue(message)));
        }
        let told = Some((ready, message));
        let tell = told.clone().filter(|_| told != self.told);
        self.told = told;
        Next::Wait { until, tell, look_at }
    }
}

/// Ports for people, such as `3030, 9229`.
pub fn list_ports(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        progress: Duration::from_mins(3),
        mistake: Duration::from_secs(30),
        room: Duration::from_secs(2),
    };

    /// A roll-out of which nothing is ready, looked at so many seconds after its begin.
    struct Rolling(Instant, Patience);

    impl Rolling {
        fn new() -> Self {
            let begin = Instant::now();
            Self(begin, Patience::new(begin))
        }

        fn at(&mut self, second: u64, ready: u32, doubt: Option<Doubt<String>>) -> Next<String> {
            let now = self.0 + Duration::from_secs(second);
            self.1.wait(now, DEADLINES, ready, "waiting".to_owned(), doubt, |message| message)
        }
    }

    fn refuses() -> Doubt<String> {
        Doubt::Refuses { instance: "web-1".to_owned(), finding: "elsewhere".to_owned() }
    }

    fn mistaken() -> Doubt<String> {
        Doubt::Mistaken("404".to_owned())
    }

    #[test]
    fn what_does_not_fit_is_given_up_after_the_wait_for_room() {
        let mut rolling = Rolling::new();
        let full = || Some(Doubt::NoRoom("full".to_owned()));
        assert!(matches!(rolling.at(0, 0, full()), Next::Wait { tell: Some(_), .. }));
        assert!(matches!(rolling.at(1, 0, full()), Next::Wait { tell: None, .. }));
        assert_eq!(rolling.at(2, 0, full()), Next::GiveUp("full".to_owned()));
    }

    #[test]
    fn an_instance_that_refuses_connections_is_looked_at_once_and_waited_for_to_the_end() {
        let mut rolling = Rolling::new();
        let looks = |next: &Next<String>| matches!(next, Next::Wait { look_at: Some(_), .. });
        let seen = [0, 4, 5, 6, 179].map(|second| looks(&rolling.at(second, 0, Some(refuses()))));
        assert_eq!(seen, [false, false, true, false, false]);
        assert_eq!(rolling.at(180, 0, Some(refuses())), Next::GiveUp("waiting".to_owned()));
    }

    #[test]
    fn an_app_that_listens_elsewhere_has_failed_after_a_while() {
        let mut rolling = Rolling::new();
        assert!(matches!(rolling.at(0, 0, Some(refuses())), Next::Wait { .. }));
        assert!(matches!(rolling.at(5, 0, Some(refuses())), Next::Wait { look_at: Some(_), .. }));
        rolling.1.hear(vec![9000, 9229]);
        let Next::Wait { tell: Some((0, told)), .. } = rolling.at(6, 0, Some(refuses())) else {
            panic!("it is told where")
        };
        assert_eq!(told, "waiting, but something does on 9000, 9229");
        assert!(matches!(rolling.at(29, 0, Some(refuses())), Next::Wait { .. }));
        assert_eq!(rolling.at(30, 0, Some(refuses())), Next::GiveUp("elsewhere".to_owned()));
    }

    #[test]
    fn a_doubt_that_passes_begins_anew() {
        let mut rolling = Rolling::new();
        for (second, doubt) in
            [(0, Some(mistaken())), (20, None), (25, Some(mistaken())), (54, Some(mistaken()))]
        {
            let next = rolling.at(second, 0, doubt);
            assert!(matches!(next, Next::Wait { .. }), "{second}: {next:?}");
        }
        assert_eq!(rolling.at(55, 0, Some(mistaken())), Next::GiveUp("404".to_owned()));
    }

    #[test]
    fn what_began_earlier_is_not_waited_for_anew() {
        let begin = Instant::now() + Duration::from_mins(10);
        let mut rolling = Rolling(begin, Patience::begun(begin, Duration::from_mins(2)));
        assert_eq!(rolling.1.waited(begin), Duration::from_mins(2));
        assert!(matches!(rolling.at(59, 0, None), Next::Wait { .. }));
        assert_eq!(rolling.at(60, 0, None), Next::GiveUp("waiting".to_owned()));
    }

    #[test]
    fn another_ready_instance_is_progress() {
        let mut rolling = Rolling::new();
        assert!(matches!(rolling.at(0, 0, None), Next::Wait { .. }));
        assert!(matches!(rolling.at(170, 1, None), Next::Wait { .. }));
        assert!(matches!(rolling.at(340, 1, None), Next::Wait { tell: None, .. }));
        assert_eq!(rolling.at(350, 1, None), Next::GiveUp("waiting".to_owned()));
    }
}
