//! A deploy on a terminal: one moving line an appling, what lasts above them.

use std::collections::BTreeMap;

use hops_model::{ApplingName, Event};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::wording::{Weight, saying};
use crate::printer::{Printer, style};

/// Draws on stderr until it is closed.
#[derive(Debug)]
pub(crate) struct Screen {
    lines: MultiProgress,
    applings: BTreeMap<ApplingName, ApplingLine>,
    is_coloured: bool,
}

#[derive(Debug)]
struct ApplingLine {
    bar: ProgressBar,
    /// The step it is at; what a program prints stands behind it.
    step: String,
}

impl Screen {
    /// An empty screen.
    pub(crate) fn new(printer: Printer) -> Self {
        let is_coloured = printer.colors_stderr();
        Self { lines: MultiProgress::new(), applings: BTreeMap::new(), is_coloured }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) {
        let Some(saying) = saying(event) else { return };
        let Some(appling) = saying.appling else { return self.note(&saying.text) };
        let is_coloured = self.is_coloured;
        let shown = |text: String| if is_coloured { text } else { plain(&text) };
        let line = self.line(appling);
        match saying.weight {
            Weight::Output => {
                let dim = style::DIM;
                line.bar.set_message(shown(format!("{} {dim}{}{dim:#}", line.step, saying.text)));
            }
            Weight::Step => {
                line.step = saying.text;
                line.bar.set_message(shown(line.step.clone()));
            }
            Weight::Good | Weight::Bad => {
                let style = if saying.weight == Weight::Good { style::GOOD } else { style::ERROR };
                line.step = shown(format!("{style}{}{style:#}", saying.text));
                line.bar.set_message(line.step.clone());
            }
        }
        if matches!(event, Event::Live { .. } | Event::Restored { .. }) {
            line.bar.abandon();
        }
    }

    /// Moves what moves.
    pub(crate) fn tick(&self) {
        for line in self.applings.values().filter(|line| !line.bar.is_finished()) {
            line.bar.tick();
        }
    }

    /// Prints a line above what moves.
    pub(crate) fn note(&self, text: &str) {
        let text =
            if self.is_coloured { text.to_owned() } else { anstream::adapter::strip_str(text).to_string() };
        // A terminal that is gone has nobody before it.
        let _ = self.lines.println(text);
    }

    /// Takes away what moves.
    pub(crate) fn close(self) {
        let _ = self.lines.clear();
        // Bars draw themselves once more when they are dropped.
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn line(&mut self, appling: &ApplingName) -> &mut ApplingLine {
        self.applings.entry(appling.clone()).or_insert_with(|| {
            let bar = self.lines.add(ProgressBar::new_spinner());
            let template = if self.is_coloured {
                "{spinner:.cyan} {prefix:.bold} {wide_msg} {elapsed:.dim}"
            } else {
                "{spinner} {prefix} {wide_msg} {elapsed}"
            };
            let style =
                ProgressStyle::with_template(template).expect("the template is a constant that parses");
            bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
            bar.set_prefix(appling.to_string());
            ApplingLine { bar, step: String::new() }
        })
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
