//! Requests lost in twenty roll-outs in a row: the suite's own tests of that, in their long form.

use anyhow::{Result, ensure};

use super::report::Report;
use crate::{cluster::Environment, paths, program};

/// A place to run apps whose tests count what is lost.
pub(super) struct Place {
    package: &'static str,
    name: &'static str,
    title: &'static str,
    method: &'static str,
    /// How many tallies its tests print.
    tallies: usize,
}

pub(super) const KUBERNETES: Place = Place {
    package: "hops-kubernetes",
    name: "loss",
    title: "Requests lost in twenty roll-outs",
    method: "Twenty roll-outs in a row under an open loop of 500 requests a second through the ingress: half over kept \
             connections, half fresh, one in fifty slow (2 s). An app that shuts down politely, one that dies at once on \
             SIGTERM (`Dies`), one without a handler, which process 1 ignores (`Naive`).",
    tallies: 6,
};

pub(super) const DOCKER: Place = Place {
    package: "hops-docker",
    name: "docker-loss",
    title: "Requests lost in twenty roll-outs and twenty rollbacks on Docker",
    method: "Twenty roll-outs in a row, then twenty rollbacks, under an open loop of 1,000 requests a second through the proxy of \
             HOPS, on Debian's Docker 20.10 (`debian`) and the current one: half over kept connections, half fresh; of a hundred, \
             two slow (2 s), one upload and one download that take 1.5 s, one WebSocket that speaks for 3 s. A body that does not \
             arrive whole and a WebSocket that its client did not close count as lost. The quantiles are of the quick ones. The \
             load, the proxy (as the tests build it) and both versions of the app share the machine's cores.",
    tallies: 10,
};

pub(super) fn measure(place: &Place) -> Result<Report> {
    let environment = Environment::current()?;
    let package = format!("--package={}", place.package);
    let mut cargo = program::command(["cargo", "test", &package, "--test=it", "loss::"]);
    cargo.args(["--", "--nocapture", "--test-threads=1"]).current_dir(paths::checkout());
    cargo.envs(environment.variables()).env("PATH", environment.path()?).env("HOPS_TEST_LONG", "1");
    let output = program::output(&mut cargo)?;
    let mut report =
        Report { name: place.name, title: place.title, method: place.method.to_owned(), rows: Vec::new() };
    // `Polite, 2 replicas: 31,040 of 31,040 answered; 20 roll-outs, …`, after what the test runner says itself:
    // `test loss::debian::a_polite_app … ... `.
    let lines = output.lines().filter_map(|line| line.split_once(" replicas: "));
    for (who, tally) in lines {
        let (test, who) = who.rsplit_once(" ... ").unwrap_or(("", who));
        let engine = test.trim_start_matches("test loss::").split_once("::").map(|(engine, _)| engine);
        let engine = engine.map_or_else(String::new, |engine| format!("`{engine}`: "));
        report.row(&format!("{engine}{who} replicas"), tally);
    }
    ensure!(report.rows.len() == place.tallies, "{} tallies are expected in\n{output}", place.tallies);
    Ok(report)
}
