//! `hops apps`: every app that a server knows, and where it runs.

use hops_api::AppSummary;
use jiff::Timestamp;

use super::Result;
use crate::{
    args::ConnectionArgs,
    connection::{Answered, Connection},
    exit::Exit,
    printer::Printer,
    runtime,
    table::{ago, table},
};

/// Lists the apps.
pub(crate) fn run(arguments: &ConnectionArgs, printer: Printer) -> Result {
    let client = Connection::find(arguments)?.client;
    let apps = runtime::small()?.block_on(client.apps()).answered()?;
    if printer.is_json() {
        printer.json(&apps)?;
    } else if apps.is_empty() {
        printer.note("No app was deployed yet");
        printer.hint("`hops deploy` in an app's repository deploys the first");
    } else {
        printer.data(&text(&apps, Timestamp::now()))?;
    }
    Ok(Exit::Done)
}

fn text(apps: &[AppSummary], now: Timestamp) -> String {
    let rows = apps.iter().flat_map(|app| {
        app.environments.iter().map(move |environment| {
            let release = environment.release.map_or("–".to_owned(), |release| release.to_string());
            let deploy = &environment.deploy;
            vec![
                app.name.to_string(),
                environment.environment.to_string(),
                release,
                super::result(deploy.outcome.as_ref()).to_owned(),
                ago(deploy.finished_at.unwrap_or(deploy.created_at), now),
                deploy.subject.clone(),
            ]
        })
    });
    table(&["App", "Environment", "Release", "Last deploy", "When", "Commit"], rows.collect())
}
