//! Asking the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Read};

use anyhow::Context;
use console::Term;

use crate::{
    failure::{Blame, Failure},
    printer::Printer,
};

/// More than any token has; what is longer is not one.
const LONGEST: u64 = 64 * 1024;

/// A secret: typed unseen at a terminal, else all of stdin.
pub(crate) fn secret(question: &str, printer: Printer) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        printer.say(question);
        return Term::stderr().read_secure_line().context("cannot read from the terminal").users();
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut text)
        .context("cannot read the token from stdin")
        .users()?;
    Ok(text)
}

/// Whether the person types exactly `expected`. Without a terminal there is nobody to ask.
pub(crate) fn is_typed(question: &str, expected: &str, printer: Printer) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::users_fault("there is no terminal to ask at").hint("`--yes` answers in advance"));
    }
    printer.say(question);
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read from the terminal").users()?;
    Ok(answer.trim() == expected)
}
