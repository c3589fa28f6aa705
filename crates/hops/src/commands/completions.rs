//! `hops completions`: a script that completes `hops` in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Result;
use crate::{args::Arguments, exit::Exit, printer::Printer};

/// Prints the script.
pub(crate) fn run(shell: Shell, printer: Printer) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hops", &mut script);
    printer.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
