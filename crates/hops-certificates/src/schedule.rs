//! When a certificate is renewed, and when a failed order is tried again. Pure: instants are arguments, chance is one too.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Pauses after failures of which the authority took notice. Let's Encrypt allows five failed validations of a host an
/// hour; these are four in the first one.
const PAUSES: [u64; 7] = [MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR];
/// Pauses after a failure that cost nobody anything, such as a name which does not resolve yet.
const FREE_PAUSES: [u64; 3] = [MINUTE, 2 * MINUTE, 5 * MINUTE];

/// What a failure costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Nothing: the authority took no notice.
    Free,
    /// A part of what the authority allows.
    Costly,
    /// The authority has had enough.
    Limited,
}

/// Somewhere between 0 and 1, so that certificates ordered together are not renewed together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance(pub(crate) f64);

impl Chance {
    /// From the system; where that has none, the middle.
    pub(crate) fn draw() -> Self {
        Self(getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX)))
    }
}

/// After two thirds of the lifetime, or up to a thirtieth of it earlier: of 90 days, the 57th to the 60th.
pub(crate) fn renewal(from: Timestamp, until: Timestamp, chance: Chance) -> Timestamp {
    let lifetime = from.duration_until(until);
    let share = 2.0 / 3.0 - chance.0 / 30.0;
    within(from, until, share).unwrap_or_else(|| until.min(from + lifetime))
}

/// Anywhere in the window that the authority suggests (RFC 9773, 4.2).
pub(crate) fn within_window(start: Timestamp, end: Timestamp, chance: Chance) -> Timestamp {
    within(start, end, chance.0).unwrap_or(start)
}

fn within(start: Timestamp, end: Timestamp, share: f64) -> Option<Timestamp> {
    let length = SignedDuration::try_from_secs_f64(start.duration_until(end).as_secs_f64() * share).ok()?;
    start.checked_add(SignedDuration::from_secs(length.as_secs())).ok()
}

/// How long to wait after so many failures in a row (at least one).
pub(crate) fn pause(failures: u32, severity: Severity, chance: Chance) -> Duration {
    let steps: &[u64] = if severity == Severity::Free { &FREE_PAUSES } else { &PAUSES };
    let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(steps.len() - 1);
    let least = if severity == Severity::Limited { HOUR } else { 0 };
    let length = Duration::from_secs(steps[step].max(least)).mul_f64(1.0 + chance.0 / 10.0);
    Duration::from_secs(length.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(number * DAY).unwrap()
    }

    #[test]
    fn ninety_days_are_renewed_with_a_third_left() {
        assert_eq!(renewal(day(0), day(90), Chance(0.0)), day(60));
        assert_eq!(renewal(day(0), day(90), Chance(1.0)), day(57));
    }

    #[test]
    fn a_window_is_used_as_a_whole() {
        assert_eq!(within_window(day(3), day(5), Chance(0.0)), day(3));
        assert_eq!(within_window(day(3), day(5), Chance(0.5)), day(4));
        assert_eq!(within_window(day(3), day(3), Chance(0.5)), day(3));
    }

    #[test]
    fn pauses_grow_from_a_minute_to_a_day() {
        let minutes = |failures| pause(failures, Severity::Costly, Chance(0.0)).as_secs() / 60;
        let all: Vec<u64> = (1..=9).map(minutes).collect();
        assert_eq!(all, [1, 5, 20, 60, 240, 720, 1440, 1440, 1440]);
        assert_eq!(minutes(u32::MAX), 1440);
    }

    #[test]
    fn what_costs_nothing_is_looked_at_every_few_minutes() {
        let minutes = |failures| pause(failures, Severity::Free, Chance(0.0)).as_secs() / 60;
        assert_eq!((1..=5).map(minutes).collect::<Vec<_>>(), [1, 2, 5, 5, 5]);
    }

    #[test]
    fn an_authority_that_has_had_enough_is_left_alone_for_an_hour() {
        assert_eq!(pause(1, Severity::Limited, Chance(0.0)), Duration::from_secs(HOUR));
    }
}
