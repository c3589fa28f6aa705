//! All that reaches the terminal goes through here.
//!
//! Data goes to stdout, everything else to stderr. Nothing else in this crate prints, which the lints `print_stdout`
//! and `print_stderr` hold it to.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;

/// The form of data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one document, or one object a line for a stream.
    Json,
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where output goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    format: Format,
    is_quiet: bool,
    color: ColorChoice,
}

/// The words in front of messages.
pub(crate) mod style {
    use super::{AnsiColor, Style};

    /// What failed.
    pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
    /// What deserves a look.
    pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
    /// What to do.
    pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();
    /// What went well.
    pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
    /// What can be skipped when reading.
    pub(crate) const DIM: Style = Style::new().dimmed();
}

impl Printer {
    /// A printer for a process's own stdout and stderr.
    pub(crate) fn new(format: Format, is_quiet: bool, color: Color) -> Self {
        let color = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { format, is_quiet, color }
    }

    /// Whether data is wanted as JSON.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether only data and errors are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.is_quiet
    }

    /// Whether stderr is a terminal that can be drawn on.
    pub(crate) fn is_interactive(self) -> bool {
        !self.is_quiet && !self.is_json() && io::stderr().is_terminal()
    }

    /// Whether text on stderr is coloured.
    pub(crate) fn colors_stderr(self) -> bool {
        AutoStream::new(io::stderr().lock(), self.color).current_choice() != ColorChoice::Never
    }

    /// Prints data.
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.color);
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::reader_gone(),
            _ => anyhow::Error::new(error).context("cannot write to stdout").into(),
        })
    }

    /// Prints one JSON value on a line of its own.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string(value)?;
        text.push('\n');
        self.data(&text)
    }

    /// Prints something to know; not with `--quiet`.
    pub(crate) fn note(self, text: &str) {
        if !self.is_quiet {
            self.say(&format!("{text}\n"));
        }
    }

    /// Prints something that deserves a look; not with `--quiet`.
    pub(crate) fn warning(self, text: &str) {
        let style = style::WARNING;
        self.note(&format!("{style}warning{style:#}: {text}"));
    }

    /// Prints what to do next; not with `--quiet`.
    pub(crate) fn hint(self, text: &str) {
        let style = style::HINT;
        self.note(&format!("{style}hint{style:#}: {text}"));
    }

    /// Prints text that is shown whatever was asked for: errors, questions.
    pub(crate) fn say(self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.color);
        // Where stderr is closed there is nobody to tell.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    /// Prints a failure.
    pub(crate) fn failure(self, failure: &Failure) {
        self.say(&failure.render(style::ERROR, style::HINT));
    }
}
