//! Times in the five fields of crontab(5).

use std::{fmt, ops::RangeInclusive};

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CronError(String);

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Part {
    name: &'static str,
    bounds: RangeInclusive<u8>,
    /// Names of the numbers from the lower bound on.
    words: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const PARTS: [Part; 5] = [
    Part { name: "minute", bounds: 0..=59, words: &[] },
    Part { name: "hour", bounds: 0..=23, words: &[] },
    Part { name: "day of the month", bounds: 1..=31, words: &[] },
    Part { name: "month", bounds: 1..=12, words: MONTHS },
    // 0 and 7 are both Sunday.
    Part { name: "day of the week", bounds: 0..=7, words: DAYS },
];

const DAYS_OF_MONTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Checks a schedule and gives it back with single spaces.
pub(crate) fn parse(text: &str) -> Result<String, CronError> {
    if let Some(word) = text.trim().strip_prefix('@') {
        let fields = match word {
            "yearly" | "annually" => "0 0 1 1 *",
            "monthly" => "0 0 1 * *",
            "weekly" => "0 0 * * 0",
            "daily" | "midnight" => "0 0 * * *",
            "hourly" => "0 * * * *",
            _ => "0 3 * * *",
        };
        return Err(CronError(format!("`{text}` is not in five fields; write for example \"{fields}\"")));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != PARTS.len() {
        let seconds = if fields.len() == 6 { "; there is none for seconds" } else { "" };
        return Err(CronError(format!(
            "`{text}` has {} fields; it takes five: minute, hour, day of the month, month, day of the week{seconds}",
            fields.len()
        )));
    }
    let mut numbers = Vec::new();
    for (part, field) in std::iter::zip(&PARTS, &fields) {
        numbers.push(part.parse(field)?);
    }
    // With both restricted, crontab(5) takes either, so an impossible date still comes by its day of the week.
    let possible = |month: u8, day: u8| day <= DAYS_OF_MONTHS[usize::from(month) - 1];
    let comes = numbers[3].iter().any(|month| numbers[2].iter().any(|day| possible(*month, *day)));
    if fields[4] == "*" && !comes {
        return Err(CronError(format!("`{text}` never comes: no such month has such a day")));
    }
    Ok(fields.join(" "))
}

impl Part {
    /// The numbers that a field stands for.
    fn parse(&self, field: &str) -> Result<Vec<u8>, CronError> {
        let mut numbers = Vec::new();
        for item in field.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (item, None),
            };
            let (least, most) = match range.split_once('-') {
                _ if range == "*" => (*self.bounds.start(), *self.bounds.end()),
                Some((least, most)) => (self.number(least, field)?, self.number(most, field)?),
                // `5/15` is from 5 on.
                None if step.is_some() => (self.number(range, field)?, *self.bounds.end()),
                None => (self.number(range, field)?, self.number(range, field)?),
            };
            if least > most {
                return Err(self.error(field, &format!("`{range}` runs backwards")));
            }
            let step = match step.map(|step| (step, digits(step))) {
                None => 1,
                Some((_, Some(step))) if step > 0 && step <= *self.bounds.end() => step,
                Some((step, _)) => return Err(self.error(field, &format!("`{step}` is no step"))),
            };
            numbers.extend((least..=most).step_by(usize::from(step)));
        }
        Ok(numbers)
    }

    fn number(&self, text: &str, field: &str) -> Result<u8, CronError> {
        let by_word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let number = match by_word.and_then(|index| u8::try_from(index).ok()) {
            Some(index) => Some(index + self.bounds.start()),
            None => digits(text).filter(|number| self.bounds.contains(number)),
        };
        let (least, most) = (self.bounds.start(), self.bounds.end());
        number.ok_or_else(|| self.error(field, &format!("`{text}` is not one of {least} to {most}")))
    }

    fn error(&self, field: &str, fault: &str) -> CronError {
        CronError(format!("`{field}` is not possible as the {}: {fault}", self.name))
    }
}

/// A number of digits alone: `+5` is none here.
fn digits(text: &str) -> Option<u8> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_schedules() {
        for text in [
            "* * * * *",
            "*/15 0-6,22 1 jan-MAR mon-fri",
            "5/10 3 31 * *",
            "0 0 30 2 1",
            "0 0 29 2 *",
            "0 0 * * 7",
        ] {
            assert_eq!(parse(text), Ok(text.to_owned()));
        }
        assert_eq!(parse("  0   3 * * * "), Ok("0 3 * * *".to_owned()));
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let fault = |text| parse(text).unwrap_err().to_string();
        assert_eq!(fault("60 * * * *"), "`60` is not possible as the minute: `60` is not one of 0 to 59");
        assert_eq!(
            fault("* * * * mo"),
            "`mo` is not possible as the day of the week: `mo` is not one of 0 to 7"
        );
        assert_eq!(fault("* 9-5 * * *"), "`9-5` is not possible as the hour: `9-5` runs backwards");
        assert_eq!(fault("*/0 * * * *"), "`*/0` is not possible as the minute: `0` is no step");
        assert_eq!(fault("0 0 30 2 *"), "`0 0 30 2 *` never comes: no such month has such a day");
        assert_eq!(fault("@daily"), "`@daily` is not in five fields; write for example \"0 0 * * *\"");
        assert!(fault("0 * * * * *").ends_with("there is none for seconds"));
        for text in
            ["", "* * * *", "1,,2 * * * *", "- * * * *", "+5 * * * *", "1- * * * *", "* * 0 * *", "é * * * *"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
