//! The rules of the house that no other tool checks: layers, file sizes, words, how long a test of the last run took.

mod layers;
mod sizes;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{paths, program, progress, test};

/// A rule that is broken somewhere.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    message: String,
}

/// A tracked text file.
struct Source {
    /// Relative to the checkout's root.
    path: PathBuf,
    text: String,
}

/// Checks every rule and says all that is broken.
pub(crate) fn run() -> Result<()> {
    let long = test::too_long()?.into_iter().map(|(place, message)| Finding { place, message });
    let all: Vec<Finding> = broken()?.into_iter().chain(long).collect();
    say(&all)
}

/// The same of what can be read from the sources. A run of the tests begins with it, and must not fail for the durations
/// that only its end can replace.
pub(crate) fn check_sources() -> Result<()> {
    say(&broken()?)
}

fn broken() -> Result<Vec<Finding>> {
    let sources = tracked()?;
    let found = [layers::check()?, sizes::check(&sources), words::check(&sources)];
    Ok(found.into_iter().flatten().collect())
}

fn say(findings: &[Finding]) -> Result<()> {
    for Finding { place, message } in findings {
        progress::say(format!("{place}: {message}"));
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} rules of the house are broken"),
    }
}

/// Every tracked file that is text, as it is in the work tree.
fn tracked() -> Result<Vec<Source>> {
    let root = paths::checkout();
    let mut list = program::command(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let names = program::output(list.current_dir(root))?;
    let read = |name: &str| {
        // A file that was deleted but is still in the index, a link, or no text: nothing to check.
        let text = fs::read_to_string(root.join(name)).ok()?;
        Some(Source { path: PathBuf::from(name), text })
    };
    Ok(names.split('\0').filter(|name| !name.is_empty()).filter_map(read).collect())
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether it is only compiled for tests and benchmarks, or is a tool of the project's own.
    fn is_test(&self) -> bool {
        let holds = |part: &str| self.path.components().any(|component| component.as_os_str() == part);
        holds("tests") || holds("benches") || holds("hops-testkit") || self.path.ends_with("tests.rs")
    }

    fn is_below(&self, folder: &str) -> bool {
        self.path.starts_with(Path::new(folder))
    }

    /// The lines before a trailing test module, with their numbers, counted from 1.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
    }
}
