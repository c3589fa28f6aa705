//! `hops cancel`: stop a deploy.

use hops_model::DeployId;

use super::Result;
use crate::{
    args::CancelArgs,
    connection::{Answered, Connection},
    exit::Exit,
    printer::Printer,
    runtime,
};

/// Stops the deploy.
pub(crate) fn run(arguments: &CancelArgs, printer: Printer) -> Result {
    let client = Connection::find(&arguments.connection)?.client;
    runtime::small()?.block_on(client.cancel(DeployId(arguments.deploy))).answered()?;
    printer.note(&format!("Deploy {} is stopped", arguments.deploy));
    Ok(Exit::Done)
}
