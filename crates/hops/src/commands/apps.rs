//! `hops apps`: every app that a server knows, and where it runs.

use hops_api::{AppSummary, EnvironmentSummary};
use jiff::Timestamp;

use super::Result;
use crate::{
    args::ConnectionArgs,
    connection::{Answered, Connection},
    exit::Exit,
    live::clean,
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
        let nowhere = app.environments.is_empty().then(|| vec![app.name.to_string(), "–".to_owned()]);
        let environments = app.environments.iter().map(|environment| row(app, environment, now));
        environments.chain(nowhere)
    });
    table(&["App", "Environment", "Release", "Last deploy", "When", "Commit"], rows.collect())
}

fn row(app: &AppSummary, environment: &EnvironmentSummary, now: Timestamp) -> Vec<String> {
    let deploy = &environment.deploy;
    vec![
        app.name.to_string(),
        environment.environment.to_string(),
        environment.release.map_or("–".to_owned(), |release| release.to_string()),
        super::result(deploy.outcome.as_ref()).to_owned(),
        ago(deploy.finished_at.unwrap_or(deploy.created_at), now),
        clean(&deploy.subject),
    ]
}
