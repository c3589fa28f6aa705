//! `hops remove`: remove all that runs of an app in an environment.

use super::Result;
use crate::{
    args::RemoveArgs,
    connection::{Answered, Connection},
    exit::Exit,
    failure::Failure,
    printer::Printer,
    question, repository, runtime,
};

/// Asks, since nothing brings the data back, then removes.
pub(crate) fn run(arguments: &RemoveArgs, printer: Printer) -> Result {
    let target = repository::target(&arguments.target)?;
    let client = Connection::find(&arguments.connection)?.client;
    if !arguments.yes {
        let question = format!(
            "This removes all that runs of {target}, its data included. Type the app's name to go on: "
        );
        if !question::is_typed(&question, target.app.as_str(), printer)? {
            return Err(Failure::users_fault("nothing was removed: that is not the app's name"));
        }
    }
    runtime::small()?.block_on(client.remove(&target)).answered()?;
    printer.note(&format!("Removed {target}"));
    Ok(Exit::Done)
}
