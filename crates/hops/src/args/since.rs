//! `--since`: a span before now, or an instant.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

/// Reads an instant: `10m`, `2h 30m`, `2026-05-01T12:00Z`, or a date and time of the local time zone.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    at(text, Timestamp::now(), &TimeZone::system())
}

fn at(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(span) = text.parse::<SignedDuration>() {
        return now.checked_sub(span.abs()).map_err(|error| error.to_string());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let local = text.parse::<DateTime>().and_then(|local| zone.to_timestamp(local));
    local.map_err(|_| {
        "write a span such as `10m` or `2h 30m`, or an instant such as 2026-05-01T12:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_instants_and_local_times() {
        let now = "2026-05-01T12:00:00Z".parse::<Timestamp>().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let read = |text| at(text, now, &zone).unwrap().to_string();
        assert_eq!(read("10m"), "2026-05-01T11:50:00Z");
        assert_eq!(read("2h 30m"), "2026-05-01T09:30:00Z");
        assert_eq!(read("2026-04-30T23:00Z"), "2026-04-30T23:00:00Z");
        assert_eq!(read("2026-05-01 13:00"), "2026-05-01T11:00:00Z");
        assert!(at("yesterday", now, &zone).is_err());
    }
}
