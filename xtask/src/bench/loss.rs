//! Requests lost in twenty roll-outs in a row: the suite's own tests of that, in their long form.

use anyhow::{Result, ensure};

use super::{Bench, report::Report};
use crate::{cluster::Environment, paths, program};

pub(super) fn measure(_: &Bench) -> Result<Report> {
    let environment = Environment::current()?;
    let mut cargo = program::command(["cargo", "test", "--package=hops-kubernetes", "--test=it", "loss::"]);
    cargo.args(["--", "--nocapture", "--test-threads=1"]).current_dir(paths::checkout());
    cargo.envs(environment.variables()).env("PATH", environment.path()?).env("HOPS_TEST_LONG", "1");
    let output = program::output(&mut cargo)?;
    let mut report = Report {
        name: "loss",
        title: "Requests lost in twenty roll-outs",
        method: "Twenty roll-outs in a row under an open loop of 500 requests a second through the ingress: half over kept \
                 connections, half fresh, one in fifty slow (2 s). An app that shuts down politely, one that dies at once on \
                 SIGTERM (`Dies`), one without a handler, which process 1 ignores (`Naive`)."
            .to_owned(),
        rows: Vec::new(),
    };
    // `Polite, 2 replicas: 31,040 of 31,040 answered; 20 roll-outs, …`, after what the test runner says itself.
    let lines = output.lines().filter_map(|line| line.split_once(" replicas: "));
    for (who, tally) in lines {
        let who = who.rsplit(" ... ").next().unwrap_or(who);
        report.row(&format!("{who} replicas"), tally);
    }
    ensure!(report.rows.len() == 6, "six tallies are expected in\n{output}");
    Ok(report)
}
