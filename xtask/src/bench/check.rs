//! `hops check` of a large app.

use std::process::Command;

use anyhow::Result;

use super::{
    Bench, released,
    report::Report,
    timing::{Times, seconds},
};
use crate::repository::Repository;

const APPLINGS: usize = 50;

pub(super) fn measure(bench: &Bench) -> Result<Report> {
    let names: Vec<String> = (0..APPLINGS).map(|number| format!("service-{number}")).collect();
    let mut files = vec![("iterapp.toml".to_owned(), format!("applings = {names:?}\n"))];
    for name in &names {
        let text = "port = 8080\nreadiness_path = \"/up\"\n\n[env.common]\nLOG_LEVEL = \"info\"\n\n[env.prod]\nLOG_LEVEL = \
                    \"warn\"\n\n[requests]\nmemory = \"64Mi\"\ncpu = \"50m\"\n";
        files.push((format!("{name}/iterapp.toml"), text.to_owned()));
        files.push((format!("{name}/Dockerfile"), "FROM scratch\n".to_owned()));
    }
    let repository = Repository::of_files(&bench.folder.join("check/app"), &files)?;
    let hops = released()?;
    let check = || {
        let mut check = Command::new(&hops);
        check.args(["check", "--quiet"]).current_dir(repository.folder());
        seconds([check])
    };
    check()?;
    let times = (0..bench.rounds * 10).map(|_| check()).collect::<Result<Vec<f64>>>()?;
    let mut report = Report {
        name: "check",
        title: "`hops check` of 50 applings",
        method: "An app of 50 applings, each with a file of ten keys and a Dockerfile; the whole process."
            .to_owned(),
        rows: Vec::new(),
    };
    report.times("`hops check`", &Times::of(times));
    Ok(report)
}
