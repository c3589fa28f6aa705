//! `hops down`: stops the platform on this machine.

use super::Result;
use crate::{
    args::DownArgs, configuration::Configuration, exit::Exit, failure::Failure, machine, printer::Printer,
    question,
};

/// What has to be typed before apps are removed.
const ANSWER: &str = "remove all apps";

/// Stops the process; apps run on, unless they are to go as well.
pub(crate) fn run(arguments: &DownArgs, printer: Printer) -> Result {
    let configuration = Configuration::of(&arguments.configuration)?;
    if arguments.apps && !arguments.yes {
        let question = format!(
            "This removes all apps of this platform, their data included. Type `{ANSWER}` to go on: "
        );
        if !question::is_typed(&question, ANSWER, printer)? {
            return Err(Failure::users_fault(format!("nothing was done: that is not `{ANSWER}`")));
        }
    }
    let stopped = if arguments.apps {
        machine::stop_with_apps(&arguments.configuration, &configuration)?
    } else {
        machine::stop(&configuration)?
    };
    if printer.is_json() {
        printer.json(&stopped)?;
    } else {
        stopped.tell(printer);
    }
    Ok(Exit::Done)
}
