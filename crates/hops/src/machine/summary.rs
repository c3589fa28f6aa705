//! What is told about a platform that runs: to people, to programs, and to the next `hops up`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::printer::{Printer, style};

/// The file that the process that runs leaves for others, in the state directory.
const FILE: &str = "running.json";

/// A platform that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Its process.
    pub(crate) process: i32,
    /// Whether this command started it; else it ran already.
    pub(crate) started: bool,
    /// Whether it never ran on this state before.
    pub(crate) first: bool,
    /// Where clients reach it on this machine.
    pub(crate) server: String,
    /// What apps are called by default, as a URL with `{name}` and `{environment}` in it.
    pub(crate) apps: String,
    /// Where its state is.
    pub(crate) state: PathBuf,
    /// Where its log is, if that is a file.
    pub(crate) log: Option<PathBuf>,
    /// What is to be known about it, each a sentence.
    pub(crate) notes: Vec<String>,
    /// What to do next, each a sentence with a command in it.
    pub(crate) next: Vec<String>,
}

impl Summary {
    /// Leaves it for others, whole or not at all.
    pub(crate) fn leave(&self, directory: &Path) -> io::Result<()> {
        let path = directory.join(FILE);
        let draft = path.with_added_extension("new");
        fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
        fs::rename(draft, path)
    }

    /// Whether a platform was ever ready on this state.
    pub(crate) fn is_left(directory: &Path) -> bool {
        directory.join(FILE).exists()
    }

    /// What the process with this number left, if it is ready.
    pub(crate) fn of(process: i32, directory: &Path) -> Option<Self> {
        let bytes = fs::read(directory.join(FILE)).ok()?;
        let summary: Self = serde_json::from_slice(&bytes).ok()?;
        (summary.process == process).then_some(summary)
    }

    /// Prints it in full for people where there is something new to tell, else in a line.
    pub(crate) fn tell(&self, printer: Printer) {
        let Self { process, server, apps, .. } = self;
        let good = style::GOOD;
        let head = if self.started {
            format!("{good}HOPS is ready{good:#}")
        } else {
            format!("HOPS is running already: process {process}")
        };
        if self.started && !self.first {
            printer.note(&format!("{head}: apps at {apps}, server at {server}"));
        } else {
            let log = self.log.iter().map(|log| format!("\n  log     {}", log.display()));
            printer.note(&format!(
                "{head}\n  apps    {apps}\n  server  {server}\n  state   {}{}",
                self.state.display(),
                log.collect::<String>(),
            ));
        }
        for note in &self.notes {
            printer.note(note);
        }
        for next in &self.next {
            printer.hint(next);
        }
    }
}
