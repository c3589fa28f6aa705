//! How long things took: the steps of a run, and each test as nextest recorded it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{paths, progress};

/// Seconds that a test may take without a reason given below.
const LONGEST: f64 = 60.0;
/// Tests that may take longer, each with the reason.
const EARNED: [(&str, &str); 14] = [
    ("an_app_that_goes_on_is_killed_after_30_seconds", "the promise is 30 s, after the drain"),
    (
        "a_failing_liveness_path_restarts_the_container",
        "three wrong answers, ten seconds apart, is what is promised",
    ),
    ("an_answer_that_comes_too_late", "only the deadline tells that an answer will not come"),
    ("an_app_can_be_removed_and_come_back_at_once", "two removals wait for pods on their way out"),
    ("the_first_request_after_live_is_answered_on_every_new_host", "three rounds of four roll-outs"),
    ("a_deploy_goes_on_where_the_killed_server_left_it", "four deploys, killed at four stages"),
    (
        "an_appling_on_another_port_fails_with_that_port_and_the_old_version_goes_on",
        "a wrong port is told from a slow start by its half minute",
    ),
    ("damaged_requests_harm_nobody_else", "twenty thousand damaged requests"),
    ("a_polite_app_with_one_replica_loses_nothing", "three roll-outs under load, each with its drain"),
    ("a_polite_app_with_two_replicas_loses_nothing", "the same"),
    ("an_app_that_dies_at_once_with_one_replica_loses_nothing", "the same"),
    ("an_app_that_dies_at_once_with_two_replicas_loses_nothing", "the same"),
    ("an_app_that_ignores_it_as_process_1_with_one_replica_loses_nothing", "the same"),
    ("an_app_that_ignores_it_as_process_1_with_two_replicas_loses_nothing", "the same"),
];
/// How many of the slowest are told.
const TOLD: usize = 15;
/// Seconds below which nobody asks where a step's time went.
const WORTH_TELLING: f64 = 2.0;

/// As nextest writes it, in the format of `JUnit`.
#[derive(Deserialize)]
struct Record {
    #[serde(rename = "testsuite", default)]
    programs: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    #[serde(rename = "@name")]
    name: String,
    #[serde(rename = "testcase", default)]
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "@name")]
    name: String,
    /// Seconds.
    #[serde(rename = "@time")]
    time: f64,
}

/// Where nextest writes its record, whoever runs it. `.config/nextest.toml` names it.
fn record() -> PathBuf {
    paths::checkout().join("target/nextest/default/junit.xml")
}

/// The record of the last run of all tests, which no run of some of them takes away.
fn kept() -> PathBuf {
    paths::checkout().join("target/nextest/all.xml")
}

/// Before a run: a former one's durations are none of this one.
pub(super) fn begin() -> Result<()> {
    match fs::remove_file(record()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", record().display()))
        }
        _ => Ok(()),
    }
}

/// Fails where a run that says that it passed has recorded no test.
pub(super) fn some_test_ran() -> Result<()> {
    let count =
        read(&record())?.map_or(0, |record| record.programs.iter().map(|program| program.tests.len()).sum());
    if count == 0 {
        bail!("cargo-nextest says that all is well, and recorded no test in {}", record().display())
    }
    Ok(())
}

/// After a run of all tests that passed. Gives what `cargo xtask tidy` says of it.
pub(super) fn keep() -> Result<Vec<(String, String)>> {
    let (from, to) = (record(), kept());
    fs::copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    too_long()
}

/// Tests of the last run of all, if there was one, that took too long and have no reason to; and reasons of none.
pub(crate) fn too_long() -> Result<Vec<(String, String)>> {
    Ok(read(&kept())?.map(|record| findings(&record, &EARNED)).unwrap_or_default())
}

/// Tells the steps, the programs and the slowest tests of a run.
pub(super) fn say(begin: Instant) {
    progress::say(format!(
        "\nWhere {:.0} s went (steps of the two lanes overlap):",
        begin.elapsed().as_secs_f64()
    ));
    for (what, seconds) in progress::taken().iter().filter(|(_, seconds)| *seconds >= WORTH_TELLING) {
        progress::say(format!("{seconds:7.1} s  {what}"));
    }
    let Ok(Some(record)) = read(&record()) else { return };
    progress::say("\nTest programs, by the sum of their tests' times:");
    let mut programs: Vec<(f64, &Program)> =
        record.programs.iter().map(|program| (program.sum(), program)).collect();
    programs.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    for (sum, program) in programs.iter().filter(|(sum, _)| *sum >= WORTH_TELLING) {
        progress::say(format!("{sum:7.1} s  {:4} tests  {}", program.tests.len(), program.name));
    }
    progress::say("\nThe slowest tests:");
    let tests =
        record.programs.iter().flat_map(|program| program.tests.iter().map(move |test| (program, test)));
    let mut tests: Vec<(&Program, &Test)> = tests.collect();
    tests.sort_by(|(_, left), (_, right)| right.time.total_cmp(&left.time));
    for (program, test) in tests.iter().take(TOLD) {
        progress::say(format!("{:7.1} s  {} {}", test.time, program.name, test.name));
    }
    progress::say("");
}

/// Nothing where there was no run.
fn read(path: &Path) -> Result<Option<Record>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let record =
        quick_xml::de::from_str(&text).with_context(|| format!("{} is no record", path.display()))?;
    Ok(Some(record))
}

fn findings(record: &Record, earned: &[(&str, &str)]) -> Vec<(String, String)> {
    let tests =
        || record.programs.iter().flat_map(|program| program.tests.iter().map(move |test| (program, test)));
    let is_earned = |test: &Test| earned.iter().any(|(name, _)| *name == test.function());
    let long = tests().filter(|(_, test)| test.time > LONGEST && !is_earned(test)).map(|(program, test)| {
        let why = format!(
            "took {:.0} s in the last run of all tests, at most {LONGEST} are wanted; wait for the event instead of the \
             clock, or say in {} why not",
            test.time,
            file!()
        );
        (format!("{} {}", program.name, test.name), why)
    });
    let is_one = |name: &str| tests().any(|(_, test)| test.function() == name);
    let stale = earned
        .iter()
        .filter(|(name, _)| !is_one(name))
        .map(|(name, _)| (file!().to_owned(), format!("{name} is no test; remove its reason")));
    long.chain(stale).collect()
}

impl Test {
    fn function(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }
}

impl Program {
    fn sum(&self) -> f64 {
        self.tests.iter().map(|test| test.time).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, findings};

    const RECORD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="0" errors="0" uuid="1" timestamp="2026-01-01T00:00:00+00:00" time="90.1">
    <testsuite name="hops-docker::it" tests="2" disabled="0" errors="0" failures="0">
        <testcase name="loss::quick" classname="hops-docker::it" timestamp="2026-01-01T00:00:00+00:00" time="1.250"></testcase>
        <testcase name="loss::slow" classname="hops-docker::it" timestamp="2026-01-01T00:00:00+00:00" time="88.000">
            <failure type="test failure">no</failure><system-out>text</system-out>
        </testcase>
    </testsuite>
    <testsuite name="hops-model" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="names" classname="hops-model" timestamp="2026-01-01T00:00:00+00:00" time="0.004"></testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn a_long_test_is_found_unless_it_has_a_reason() {
        let record: Record = quick_xml::de::from_str(RECORD).unwrap();
        assert_eq!(record.programs.len(), 2);
        let found = findings(&record, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "hops-docker::it loss::slow");
        assert!(found[0].1.starts_with("took 88 s"), "{found:?}");
        assert!(findings(&record, &[("slow", "the promise is 80 s")]).is_empty());
        let stale = findings(&record, &[("slow", "the promise is 80 s"), ("gone", "it was long")]);
        assert_eq!(stale.len(), 1);
        assert!(stale[0].1.starts_with("gone is no test"), "{stale:?}");
    }
}
