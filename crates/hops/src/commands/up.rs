//! `hops up`: the whole platform on this machine.

use super::Result;
use crate::{
    args::UpArgs,
    configuration::{Configuration, DEFAULT_FILE},
    exit::Exit,
    machine,
    printer::Printer,
};

/// Runs the platform until it is told to stop, starts it in the background, or prints what it would be run with.
pub(crate) fn run(arguments: &UpArgs, printer: Printer) -> Result {
    if arguments.print_config {
        printer.data(DEFAULT_FILE)?;
        return Ok(Exit::Done);
    }
    let configuration = Configuration::of(&arguments.configuration)?.listening(&arguments.listen);
    if arguments.print_unit {
        printer.data(&machine::unit(arguments)?)?;
    } else if arguments.detach {
        let summary = machine::start(arguments, &configuration)?;
        if printer.is_json() {
            printer.json(&summary)?;
        } else {
            summary.tell(printer);
        }
    } else {
        machine::run(configuration, arguments.detached, printer)?;
    }
    Ok(Exit::Done)
}
