//! The server's memory.

use std::fs;

use anyhow::{Context as _, Result};

use super::{Bench, report::Report, timing::seconds};
use crate::{progress, repository::Repository};

const DEPLOYS: usize = 200;

pub(super) fn measure(bench: &Bench) -> Result<Report> {
    let server = bench.server("memory")?;
    let dockerfile = "FROM busybox\nWORKDIR /www\nRUN echo ok > health\nCOPY page index.html\nCMD [\"httpd\", \"-f\", \"-p\", \"3030\"]\n";
    let files = [
        ("iterapp.toml", "name = \"bench-memory\"\nreplicas = 1\n"),
        ("Dockerfile", dockerfile),
        ("page", "0\n"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let repository = Repository::of_files(&bench.folder.join("memory/app"), &files)?;
    let resident = || megabytes(bench.cluster.server_process().context("the server ended")?);
    let mut report = Report {
        name: "memory",
        title: "The server's memory",
        method: "Resident memory of `hops server` (VmRSS), after its start and between deploys of a one-line change each."
            .to_owned(),
        rows: Vec::new(),
    };
    report.row("After the start", format!("{:.1} MB", resident()?));
    for number in 1..=DEPLOYS {
        repository.write("page", &format!("{number}\n"))?;
        repository.commit("Change a line")?;
        seconds([server.hops(&["deploy", "--quiet"], repository.folder())])?;
        if [1, 10, 50, 100, 150, DEPLOYS].contains(&number) {
            let now = resident()?;
            progress::say(format!("after {number} deploys: {now:.1} MB"));
            report.row(&format!("After {number} deploys"), format!("{now:.1} MB"));
        }
    }
    seconds([server.hops(&["remove", "--yes"], repository.folder())])?;
    Ok(report)
}

fn megabytes(process: i32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}
