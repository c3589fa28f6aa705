//! Which part of a container's log is one process's.

use std::time::Duration;

use jiff::Timestamp;

use crate::daemon::Container;

/// A part of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// No lines older than this.
    pub(super) from: Option<Timestamp>,
    /// Only lines older than this.
    pub(super) until: Option<Timestamp>,
    /// How many of the last lines.
    pub(super) tail: Option<u32>,
}

/// Where a line lies to a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Before,
    Within,
    After,
}

impl Span {
    /// Where a line of this time lies; one without a time is taken.
    pub(super) fn place(&self, at: Option<Timestamp>) -> Place {
        match at {
            Some(at) if self.until.is_some_and(|until| at >= until) => Place::After,
            Some(at) if self.from.is_some_and(|from| at < from) => Place::Before,
            _ => Place::Within,
        }
    }
}

/// What the daemon remembers of a container's processes. It keeps its last 256 events, those of all containers, so the
/// former ones may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// When processes had ended and their last lines were written down, oldest first. The next one is not started before
    /// that, so these are exact boundaries in the log.
    pub(super) ends: Vec<Timestamp>,
    /// When processes were started, as the daemon says, oldest first.
    pub(super) starts: Vec<Timestamp>,
}

impl Past {
    /// The end of a process that ended at `finished_at` and was followed by one that was started at `started_at`.
    fn end(&self, finished_at: Timestamp, started_at: Timestamp) -> Option<Timestamp> {
        self.ends.iter().copied().rfind(|end| (finished_at..=started_at).contains(end))
    }

    /// Where the log of the process begins that was started last before `until`, as far as that is remembered.
    fn begin(&self, until: Timestamp) -> Option<Timestamp> {
        let start = self.starts.iter().copied().rfind(|start| *start < until)?;
        Some(self.ends.iter().copied().rfind(|end| *end < start).unwrap_or_else(|| before_start(start)))
    }
}

/// Docker 20.10 takes the time of a start when the process already runs, and may have printed something; the process
/// before it has ended at least this long ago, as the daemon waits before it starts one again.
const EARLY: Duration = Duration::from_millis(100);

/// The span of a container's present process, or of the former one; none where it had none. Of a container that waits
/// for its next process, the one that ended last is both.
pub(super) fn of_process(container: &Container, past: &Past, previous: bool) -> Option<Span> {
    let started_at = container.started_at?;
    if !container.is_running() {
        let end = past.ends.iter().copied().rfind(|end| *end < started_at);
        return Some(Span { from: end.or(Some(before_start(started_at))), ..Span::default() });
    }
    let boundary =
        container.finished_at.filter(|finished_at| *finished_at <= started_at).map(|finished_at| {
            past.end(finished_at, started_at).unwrap_or_else(|| {
                // The last lines of the former process may be written down late, the first ones of this process early.
                let half = started_at.duration_since(finished_at).unsigned_abs() / 2;
                finished_at.checked_add(half).unwrap_or(started_at)
            })
        });
    match (boundary, previous) {
        (None, true) => None,
        (from, false) => Some(Span { from, ..Span::default() }),
        (Some(until), true) => Some(Span { from: past.begin(until), until: Some(until), ..Span::default() }),
    }
}

/// A little before the time that the daemon names for a start.
fn before_start(started_at: Timestamp) -> Timestamp {
    started_at.checked_sub(EARLY).unwrap_or(started_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        daemon::{ContainerId, ContainerState},
        labels::Role,
    };

    fn container(state: ContainerState, started_at: &str, finished_at: Option<&str>) -> Container {
        let time = |text: &str| text.parse().unwrap();
        Container {
            id: ContainerId("0123".into()),
            name: "shop-web-prod-1-1".into(),
            role: Role::App,
            state,
            image: String::new(),
            restarts: 0,
            created_at: None,
            started_at: Some(time(started_at)),
            finished_at: finished_at.map(time),
            exit_code: None,
            is_out_of_memory: false,
            start_error: None,
            pid: None,
            joins: None,
        }
    }

    fn past(ends: &[&str], starts: &[&str]) -> Past {
        let times = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Past { ends: times(ends), starts: times(starts) }
    }

    fn check(container: &Container, past: &Past, previous: bool, from: Option<&str>, until: Option<&str>) {
        let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let expected = Span { from: time(from), until: time(until), tail: None };
        assert_eq!(of_process(container, past, previous), Some(expected));
    }

    #[test]
    fn the_first_process_has_the_whole_log_and_none_before_it() {
        let first = container(ContainerState::Running, "2026-11-24T10:00:00Z", None);
        check(&first, &Past::default(), false, None, None);
        assert_eq!(of_process(&first, &Past::default(), true), None);
    }

    #[test]
    fn processes_are_told_apart_by_the_end_of_the_former_one() {
        // The daemon had no time to say so: the start is known only a while after the process has printed.
        let third = container(ContainerState::Running, "2026-11-24T10:00:09Z", Some("2026-11-24T10:00:04Z"));
        let past = past(
            &["2026-11-24T10:00:01.1Z", "2026-11-24T10:00:04.2Z", "2026-11-24T10:00:12Z"],
            &["2026-11-24T10:00:00Z", "2026-11-24T10:00:03Z", "2026-11-24T10:00:09Z"],
        );
        check(&third, &past, false, Some("2026-11-24T10:00:04.2Z"), None);
        check(&third, &past, true, Some("2026-11-24T10:00:01.1Z"), Some("2026-11-24T10:00:04.2Z"));
    }

    #[test]
    fn ends_that_the_daemon_has_forgotten_lie_in_the_middle_or_just_before_a_start() {
        let second = container(ContainerState::Running, "2026-11-24T10:00:02Z", Some("2026-11-24T10:00:00Z"));
        check(&second, &Past::default(), false, Some("2026-11-24T10:00:01Z"), None);
        check(&second, &Past::default(), true, None, Some("2026-11-24T10:00:01Z"));
        let past = past(&[], &["2026-11-24T09:59:00Z", "2026-11-24T10:00:02Z"]);
        check(&second, &past, true, Some("2026-11-24T09:58:59.9Z"), Some("2026-11-24T10:00:01Z"));
    }

    #[test]
    fn one_that_waits_to_be_started_again_shows_the_process_that_ended() {
        let waiting =
            container(ContainerState::Restarting, "2026-11-24T10:00:02Z", Some("2026-11-24T10:00:05Z"));
        let remembered =
            past(&["2026-11-24T10:00:01.5Z", "2026-11-24T10:00:05.1Z"], &["2026-11-24T10:00:02Z"]);
        for previous in [false, true] {
            check(&waiting, &Past::default(), previous, Some("2026-11-24T10:00:01.9Z"), None);
            check(&waiting, &remembered, previous, Some("2026-11-24T10:00:01.5Z"), None);
        }
    }
}
