//! `hops server`: the platform on Kubernetes.

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
    let configuration = Configuration::of(&arguments.configuration)?.listening(&arguments.listen);
    crate::server::run(configuration, printer)?;
    Ok(Exit::Done)
}
