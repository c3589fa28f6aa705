//! An unchanged commit, deployed again.

use anyhow::{Result, ensure};

use super::{
    Bench,
    report::Report,
    timing::{Times, seconds},
};
use crate::{program, repository::Repository};

pub(super) fn measure(bench: &Bench) -> Result<Report> {
    let server = bench.server("same")?;
    let dockerfile =
        "FROM busybox\nWORKDIR /www\nRUN echo ok > health\nCMD [\"httpd\", \"-f\", \"-p\", \"3030\"]\n";
    let files = [("iterapp.toml", "name = \"bench-same\"\n"), ("Dockerfile", dockerfile)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let repository = Repository::of_files(&bench.folder.join("same/app"), &files)?;
    let deploy = || seconds([server.hops(&["deploy", "--quiet"], repository.folder())]);
    let pods = || {
        let columns = "--output=jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].restartCount},{end}";
        program::output(bench.cluster.kubectl_command().args([
            "get",
            "pods",
            "--namespace=apps-bench-same-test",
            columns,
        ]))
    };
    deploy()?;
    let before = pods()?;
    let times = (0..bench.rounds).map(|_| deploy()).collect::<Result<Vec<f64>>>()?;
    let after = pods()?;
    ensure!(before == after, "pods were replaced: {before} became {after}");
    seconds([server.hops(&["remove", "--yes"], repository.folder())])?;
    let mut report = Report {
        name: "same",
        title: "An unchanged commit, deployed again",
        method: "`hops deploy` of a commit that is live already, as a whole process.".to_owned(),
        rows: Vec::new(),
    };
    report.times("`hops deploy`", &Times::of(times));
    report.row("Pods replaced or restarted", "none");
    Ok(report)
}
