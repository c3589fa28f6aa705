//! `hops check`: every mistake in the app's files, without a server.

use hops_manifest::CheckReport;

use super::Result;
use crate::{
    args::CheckArgs,
    exit::Exit,
    printer::Printer,
    repository::{Repository, count, excerpts},
};

/// Checks the files. What was found is data, for it is what was asked for.
pub(crate) fn run(arguments: &CheckArgs, printer: Printer) -> Result {
    let repository = Repository::find(arguments.directory.as_deref())?;
    let reading = repository.read(arguments.app.as_ref())?;
    let exit = if reading.has_errors() { Exit::Users } else { Exit::Done };
    if printer.is_json() {
        printer.json(&CheckReport::from(reading))?;
        return Ok(exit);
    }
    printer.data(&excerpts(&reading, true))?;
    let found = count(&reading.diagnostics);
    match &reading.app {
        Some(app) => {
            let names: Vec<&str> = app.applings.iter().map(|appling| appling.name.as_str()).collect();
            let applings = match names.len() {
                ..=5 => names.join(", "),
                count => format!("{count} applings"),
            };
            printer.note(&format!("App `{}` ({applings}): {found}", app.name));
        }
        None => printer.note(&format!("{}: {found}", repository.root().display())),
    }
    Ok(exit)
}
