//! The commands, one file each. They wire; what they do is done by the other crates.

mod apps;
mod cancel;
mod check;
mod completions;
mod deploy;
mod down;
mod follow;
mod login;
mod logs;
mod plan;
mod releases;
mod remove;
mod render;
mod rollback;
mod schema;
mod server;
mod source;
mod status;
mod up;
mod watch;

use hops_model::Outcome;

use crate::{
    args::{Arguments, Verb},
    exit::Exit,
    failure::Failure,
    printer::Printer,
};

/// How a command ends.
type Result = std::result::Result<Exit, Failure>;

/// Does what was asked, prints why not, and says how to exit.
pub(crate) fn run(arguments: Arguments) -> Exit {
    let printer = arguments.output.printer();
    dispatch(arguments.verb, printer).unwrap_or_else(|failure| {
        printer.failure(&failure);
        failure.exit
    })
}

fn dispatch(verb: Verb, printer: Printer) -> Result {
    match verb {
        Verb::Up(arguments) => up::run(&arguments, printer),
        Verb::Down(arguments) => down::run(&arguments, printer),
        Verb::Check(arguments) => check::run(&arguments, printer),
        Verb::Render(arguments) => render::run(&arguments, printer),
        Verb::Schema => schema::run(printer),
        Verb::Plan(arguments) => plan::run(&arguments, printer),
        Verb::Deploy(arguments) => deploy::run(&arguments, printer),
        Verb::Watch(arguments) => watch::run(&arguments, printer),
        Verb::Cancel(arguments) => cancel::run(&arguments, printer),
        Verb::Status(arguments) => status::run(&arguments, printer),
        Verb::Logs(arguments) => logs::run(&arguments, printer),
        Verb::Apps(arguments) => apps::run(&arguments, printer),
        Verb::Releases(arguments) => releases::run(&arguments, printer),
        Verb::Rollback(arguments) => rollback::run(&arguments, printer),
        Verb::Remove(arguments) => remove::run(&arguments, printer),
        Verb::Login(arguments) => login::run(&arguments, printer),
        Verb::Server(arguments) => server::run(&arguments, printer),
        Verb::Completions { shell } => completions::run(shell, printer),
    }
}

/// The outcome of a deploy in one word, for tables.
fn result(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        None => "under way",
        Some(outcome) if outcome.is_success() => "live",
        Some(_) => "failed",
    }
}
