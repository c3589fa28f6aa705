//! `hops releases`: what was put into effect, and how it went.

use hops_api::ReleaseSummary;
use hops_model::release::Origin;
use jiff::Timestamp;

use super::Result;
use crate::{
    args::ReleasesArgs,
    connection::{Answered, Connection},
    exit::Exit,
    live::clean,
    printer::Printer,
    repository, runtime,
    table::{ago, table},
};

/// Lists the releases, the newest first.
pub(crate) fn run(arguments: &ReleasesArgs, printer: Printer) -> Result {
    let target = repository::target(&arguments.target)?;
    let client = Connection::find(&arguments.connection)?.client;
    let releases = runtime::small()?.block_on(client.releases(&target, arguments.limit)).answered()?;
    if printer.is_json() {
        printer.json(&releases)?;
    } else if releases.is_empty() {
        printer.note(&format!("There is no release of {target}"));
    } else {
        printer.data(&text(&releases, Timestamp::now()))?;
    }
    Ok(Exit::Done)
}

fn text(releases: &[ReleaseSummary], now: Timestamp) -> String {
    let rows = releases.iter().map(|release| {
        let origin = match release.origin {
            Origin::Deploy => clean(&release.subject),
            Origin::Rollback { to } => format!("back to release {to}: {}", clean(&release.subject)),
        };
        vec![
            release.number.to_string(),
            release.commit.short().to_owned(),
            super::result(release.outcome.as_ref()).to_owned(),
            ago(release.created_at, now),
            origin,
        ]
    });
    table(&["Release", "Commit", "Result", "When", "What"], rows.collect())
}
