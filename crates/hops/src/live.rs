//! A deploy as it happens.
//!
//! ```text
//! Event ─▶ wording (pure) ─▶ screen: one moving line an appling     (a terminal)
//!                         ─▶ lines: every event with its prefix     (a pipe, a CI log)
//!       ─────────────────▶ one JSON object a line                   (--format json)
//! ```
//!
//! All of it goes to stderr, but for JSON; the outcome is data, and goes to stdout.

mod screen;
mod summary;
mod wording;

use std::time::Duration;

use hops_model::{Event, Outcome};

use crate::{failure::Failure, live::screen::Screen, printer::Printer};

pub(crate) use summary::summary;
pub(crate) use wording::clean;

/// Often enough to look alive, seldom enough not to be felt over a slow line.
pub(crate) const TICK: Duration = Duration::from_millis(120);

/// Shows the events of one deploy.
#[derive(Debug)]
pub(crate) struct View {
    printer: Printer,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Json,
    Screen(Screen),
    Lines(wording::Lines),
    Nothing,
}

impl View {
    /// The form that suits where output goes.
    pub(crate) fn new(printer: Printer) -> Self {
        let form = match printer {
            _ if printer.is_json() => Form::Json,
            _ if printer.is_quiet() => Form::Nothing,
            _ if printer.is_interactive() => Form::Screen(Screen::new(printer)),
            _ => Form::Lines(wording::Lines::default()),
        };
        Self { printer, form }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) -> Result<(), Failure> {
        match &mut self.form {
            Form::Json => self.printer.json(event)?,
            Form::Screen(screen) => screen.show(event),
            Form::Lines(lines) => {
                if let Some(line) = lines.line(event) {
                    self.printer.note(&line);
                }
            }
            Form::Nothing => {}
        }
        Ok(())
    }

    /// Shows that time passes. To be called every [`TICK`].
    pub(crate) fn tick(&self) {
        if let Form::Screen(screen) = &self.form {
            screen.tick();
        }
    }

    /// Leaves the terminal as it was, for what is printed next.
    pub(crate) fn close(self) {
        if let Form::Screen(screen) = self.form {
            screen.close();
        }
    }

    /// Ends with one line an appling.
    pub(crate) fn finish(self, outcome: &Outcome) -> Result<(), Failure> {
        let printer = self.printer;
        self.close();
        // As JSON the outcome was the last event.
        if printer.is_json() { Ok(()) } else { printer.data(&summary(outcome)) }
    }
}
