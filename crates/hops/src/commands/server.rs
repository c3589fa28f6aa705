//! `hops server`: the platform itself.

use super::Result;
use crate::{
    args::ServerArgs,
    configuration::{Configuration, DEFAULT_FILE},
    exit::Exit,
    printer::Printer,
};

/// Runs the server until it is told to stop, or prints its configuration.
pub(crate) fn run(arguments: &ServerArgs, printer: Printer) -> Result {
    if arguments.print_config {
        printer.data(DEFAULT_FILE)?;
        return Ok(Exit::Done);
    }
    let mut configuration = Configuration::load(arguments.config.as_deref())?;
    if let Some(state) = &arguments.state {
        configuration.state_directory.clone_from(state);
    }
    if let Some(listen) = arguments.listen {
        configuration.listen = listen;
    }
    crate::server::run(configuration, printer)?;
    Ok(Exit::Done)
}
