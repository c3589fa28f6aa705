//! Many applings in one app.

use anyhow::Result;

use super::{Bench, report::Report, timing::seconds};
use crate::{progress, repository::Repository};

const APPLINGS: usize = 50;

pub(super) fn measure(bench: &Bench) -> Result<Report> {
    let server = bench.server("many")?;
    let names: Vec<String> = (0..APPLINGS).map(|number| format!("s{number}")).collect();
    let mut files = vec![
        ("iterapp.toml".to_owned(), format!("name = \"bench-many\"\napplings = {names:?}\n")),
        ("page".to_owned(), "0\n".to_owned()),
    ];
    for name in &names {
        let dockerfile = format!(
            "FROM busybox\nWORKDIR /www\nRUN echo {name} > health\nCOPY page index.html\nCMD [\"httpd\", \"-f\", \"-p\", \"3030\"]\n"
        );
        files.push((format!("{name}/iterapp.toml"), "replicas = 1\n".to_owned()));
        files.push((format!("{name}/Dockerfile"), dockerfile));
    }
    let repository = Repository::of_files(&bench.folder.join("many/app"), &files)?;
    let deploy = || seconds([server.hops(&["deploy", "--quiet"], repository.folder())]);
    let first = progress::step("deploying 50 applings", deploy)?;
    repository.write("page", "1\n")?;
    repository.commit("Change a line of all")?;
    let change = progress::step("deploying a change of all 50", deploy)?;
    let same = progress::step("deploying them unchanged", deploy)?;
    seconds([server.hops(&["remove", "--yes"], repository.folder())])?;
    let mut report = Report {
        name: "many",
        title: "50 applings in one app",
        method: "50 applings of busybox's httpd with one replica each, all on one node; `hops deploy` until all are live."
            .to_owned(),
        rows: Vec::new(),
    };
    report.row("First deploy", format!("{first:.1} s"));
    report.row("A change in all of them", format!("{change:.1} s"));
    report.row("Unchanged", format!("{same:.1} s"));
    Ok(report)
}
