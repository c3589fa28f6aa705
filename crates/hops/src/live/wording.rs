//! Events in words. Pure: what is drawn where is decided elsewhere.

use std::collections::BTreeMap;

use hops_model::{ApplingName, Event, event::StepState};

use crate::printer::style;

/// What an event says: of an appling, or of the whole deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saying<'e> {
    /// The appling, if it is about one.
    pub(crate) appling: Option<&'e ApplingName>,
    /// What happened.
    pub(crate) text: String,
    /// How much it matters.
    pub(crate) weight: Weight,
}

/// How much a saying matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A line that a program printed.
    Output,
    /// A step on the way.
    Step,
    /// Good news.
    Good,
    /// Bad news.
    Bad,
}

/// Puts an event into words; nothing for the outcome, which has a form of its own.
pub(crate) fn saying(event: &Event) -> Option<Saying<'_>> {
    use Weight::{Bad, Good, Output, Step};
    let (appling, text, weight) = match event {
        Event::Queued => (None, "Waits for another deploy of the same app and environment".to_owned(), Step),
        Event::Started { commit, subject, resumed: false } => {
            (None, format!("Deploys {} {}", commit.short(), clean(subject)), Step)
        }
        Event::Started { commit, subject, resumed: true } => {
            (None, format!("Takes up {} {} again", commit.short(), clean(subject)), Step)
        }
        Event::Warning { message } => {
            let style = style::WARNING;
            (None, format!("{style}warning{style:#}: {}", clean(message)), Bad)
        }
        Event::Released { release } => (None, format!("Release {release}"), Step),
        Event::BuildStarted { appling } => (Some(appling), "builds".to_owned(), Step),
        Event::BuildStep { appling, step, state, duration_ms } => {
            let (end, weight) = match state {
                StepState::Started => (String::new(), Step),
                StepState::Cached => (" · cached".to_owned(), Step),
                StepState::Done => (format!(" · {}", duration(duration_ms.unwrap_or_default())), Step),
                StepState::Failed => (" · failed".to_owned(), Bad),
            };
            (Some(appling), format!("{}{end}", clean(step)), weight)
        }
        Event::BuildLog { appling, line } => (Some(appling), clean(line), Output),
        Event::Built { appling, reused: true, .. } => {
            (Some(appling), "unchanged since an earlier build, its image is used again".to_owned(), Step)
        }
        Event::Built { appling, duration_ms, .. } => {
            (Some(appling), format!("built in {}", duration(*duration_ms)), Step)
        }
        Event::Rollout { appling, ready, wanted, message } => {
            let separator = if message.is_empty() { "" } else { ": " };
            (Some(appling), format!("{ready} of {wanted} ready{separator}{}", clean(message)), Step)
        }
        Event::Live { appling, url, duration_ms } => {
            (Some(appling), live(url.as_deref(), Some(*duration_ms)), Good)
        }
        Event::Failed { appling, cause } => {
            (Some(appling), format!("failed: {}", clean(&cause.message)), Bad)
        }
        Event::Restored { appling, release } => {
            (Some(appling), format!("is back at release {release}"), Step)
        }
        Event::Outcome(_) => return None,
    };
    Some(Saying { appling, text, weight })
}

/// `live at URL in 2.1 s`
pub(crate) fn live(url: Option<&str>, duration_ms: Option<u64>) -> String {
    let place = url.map(|url| format!(" at {url}")).unwrap_or_default();
    let time = duration_ms.map(|duration_ms| format!(" in {}", duration(duration_ms))).unwrap_or_default();
    format!("live{place}{time}")
}

/// A duration for people: `2.1 s`, `3 min 12 s`.
fn duration(duration_ms: u64) -> String {
    match duration_ms {
        ..60_000 => format!("{}.{} s", duration_ms / 1000, duration_ms % 1000 / 100),
        _ => format!("{} min {} s", duration_ms / 60_000, duration_ms % 60_000 / 1000),
    }
}

/// One line that cannot move the cursor: what programs print comes from outside.
///
/// Of a line that was drawn over with carriage returns, as progress bars are, the last state is kept.
pub(crate) fn clean(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    let last = plain.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control() || *c == '\t' || *c == '\n').collect()
}

/// Events as lines with a prefix, for pipes and logs.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The last line of each appling, so that a state that is told again is not printed again.
    last: BTreeMap<ApplingName, String>,
}

impl Lines {
    /// The line of an event, unless it says nothing new.
    pub(crate) fn line(&mut self, event: &Event) -> Option<String> {
        let saying = saying(event)?;
        let Some(appling) = saying.appling else { return Some(saying.text) };
        if is_soon_over(event) {
            return None;
        }
        let repeats = self.last.insert(appling.clone(), saying.text.clone()).as_ref() == Some(&saying.text);
        // A program may well print the same line twice.
        if repeats && saying.weight != Weight::Output {
            return None;
        }
        let indent = if saying.weight == Weight::Output { "  " } else { "" };
        let style = match saying.weight {
            Weight::Output => style::DIM,
            Weight::Step => anstyle::Style::new(),
            Weight::Good => style::GOOD,
            Weight::Bad => style::ERROR,
        };
        Some(format!("{appling} | {indent}{style}{}{style:#}", saying.text))
    }
}

/// A step that ends within a second of its beginning is told by its beginning alone.
fn is_soon_over(event: &Event) -> bool {
    matches!(event, Event::BuildStep { state: StepState::Done, duration_ms: Some(..1000), .. })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use hops_model::{Cause, CauseCode, CommitId, ImageRef, ReleaseNumber};

    use super::*;

    fn appling() -> ApplingName {
        ApplingName::parse("api").unwrap()
    }

    fn check(events: &[Event], expected: &Expect) {
        let mut lines = Lines::default();
        let text: Vec<String> = events.iter().filter_map(|event| lines.line(event)).collect();
        expected.assert_eq(&anstream::adapter::strip_str(&text.join("\n")).to_string());
    }

    fn step(state: StepState, duration_ms: Option<u64>) -> Event {
        Event::BuildStep { appling: appling(), step: "RUN npm ci".into(), state, duration_ms }
    }

    fn rollout(ready: u32) -> Event {
        Event::Rollout { appling: appling(), ready, wanted: 2, message: "waits for `/health`".into() }
    }

    #[test]
    fn a_deploy_reads_from_top_to_bottom() {
        let image = ImageRef::parse("r/shop/api:1").unwrap();
        check(
            &[
                Event::Queued,
                Event::Started {
                    commit: CommitId::parse(&"ab".repeat(20)).unwrap(),
                    subject: "Fix the cart".into(),
                    resumed: false,
                },
                Event::Warning { message: "api/iterapp.toml:3:1: `x` is old".into() },
                Event::BuildStarted { appling: appling() },
                step(StepState::Started, None),
                Event::BuildLog { appling: appling(), line: "added 3 packages".into() },
                step(StepState::Done, Some(12_340)),
                step(StepState::Done, Some(40)),
                Event::Built { appling: appling(), image: image.clone(), reused: false, duration_ms: 61_000 },
                Event::Built { appling: appling(), image, reused: true, duration_ms: 0 },
                Event::Released { release: ReleaseNumber(12) },
                rollout(0),
                rollout(0),
                rollout(1),
                Event::Live {
                    appling: appling(),
                    url: Some("https://shop.example.com".into()),
                    duration_ms: 2_149,
                },
            ],
            &expect![[r"
                Waits for another deploy of the same app and environment
                Deploys ababababab Fix the cart
                warning: api/iterapp.toml:3:1: `x` is old
                api | builds
                api | RUN npm ci
                api |   added 3 packages
                api | RUN npm ci · 12.3 s
                api | built in 1 min 1 s
                api | unchanged since an earlier build, its image is used again
                Release 12
                api | 0 of 2 ready: waits for `/health`
                api | 1 of 2 ready: waits for `/health`
                api | live at https://shop.example.com in 2.1 s"]],
        );
    }

    #[test]
    fn a_failure_is_told_where_it_happens() {
        let cause = Cause::new(CauseCode::ReadinessFailed, "`/health` answers 500", "look at the log");
        check(
            &[
                step(StepState::Failed, None),
                Event::Failed { appling: appling(), cause },
                Event::Restored { appling: appling(), release: ReleaseNumber(11) },
            ],
            &expect![[r"
                api | RUN npm ci · failed
                api | failed: `/health` answers 500
                api | is back at release 11"]],
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_cleaned_holds_a_control_character(text in "([a-z\\r\\t\\x1b\\[0-9;]|\\PC|\\pC){0,40}") {
            proptest::prop_assert!(!clean(&text).contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n')));
        }
    }

    #[test]
    fn what_a_program_prints_cannot_move_the_cursor() {
        assert_eq!(clean("10%\r50%\r\x1b[2K100%\r"), "100%");
        assert_eq!(clean("\x1b[31mred\x1b[0m\x07 bell"), "red bell");
    }
}
