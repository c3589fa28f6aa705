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

/// Docker 20.10 takes the time of a start when the process already runs, and may have printed something; the process
/// before it has ended at least this long ago, as the daemon waits before it starts one again.
const EARLY: Duration = Duration::from_millis(100);

/// The span of a container's present process, or of the former one; none where it had none. Of a container that waits
/// for its next process, the one that ended last is both.
pub(super) fn of_process(container: &Container, previous: bool) -> Option<Span> {
    let started_at = container.started_at?;
    if !container.is_running() {
        return Some(Span { from: Some(before_start(started_at)), ..Span::default() });
    }
    let boundary =
        container.finished_at.filter(|finished_at| *finished_at <= started_at).map(|finished_at| {
            // The last lines of the former process may be written down late, the first ones of this process early.
            let half = started_at.duration_since(finished_at).unsigned_abs() / 2;
            finished_at.checked_add(half).unwrap_or(started_at)
        });
    match (boundary, previous) {
        (None, true) => None,
        (from, false) => Some(Span { from, ..Span::default() }),
        (until, true) => Some(Span { until, ..Span::default() }),
    }
}

/// A little before the time that the daemon names for a start.
pub(super) fn before_start(started_at: Timestamp) -> Timestamp {
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

    fn check(container: &Container, previous: bool, from: Option<&str>, until: Option<&str>) {
        let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let expected = Span { from: time(from), until: time(until), tail: None };
        assert_eq!(of_process(container, previous), Some(expected));
    }

    #[test]
    fn the_first_process_has_the_whole_log_and_none_before_it() {
        let first = container(ContainerState::Running, "2026-11-24T10:00:00Z", None);
        check(&first, false, None, None);
        assert_eq!(of_process(&first, true), None);
    }

    #[test]
    fn processes_are_told_apart_in_the_middle_between_them() {
        let second = container(ContainerState::Running, "2026-11-24T10:00:02Z", Some("2026-11-24T10:00:00Z"));
        check(&second, false, Some("2026-11-24T10:00:01Z"), None);
        check(&second, true, None, Some("2026-11-24T10:00:01Z"));
    }

    #[test]
    fn one_that_waits_to_be_started_again_shows_the_process_that_ended() {
        let waiting =
            container(ContainerState::Restarting, "2026-11-24T10:00:02Z", Some("2026-11-24T10:00:05Z"));
        for previous in [false, true] {
            check(&waiting, previous, Some("2026-11-24T10:00:01.9Z"), None);
        }
    }
}
