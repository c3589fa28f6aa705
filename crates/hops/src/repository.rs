//! The app's directory on this machine: where it is, what it is called, what its files say.

mod directory;
mod selection;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hops_git::WorkTree;
use hops_manifest::{FILE_NAME, Reading, Tree};
use hops_model::{App, AppName, Cause, CauseCode, CommitId};
use tokio::runtime::Runtime;

use self::directory::Directory;
use crate::{
    connection::Answered,
    failure::{Blame, Failure},
    printer::Printer,
    runtime,
};

pub(crate) use self::selection::target;

/// The directory that an app is read from.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// A directory as named, or else the root of the Git repository around the current one, or else that one itself.
    pub(crate) fn find(directory: Option<&Path>) -> Result<Self, Failure> {
        let start = match directory {
            Some(directory) => directory.to_owned(),
            None => env::current_dir().context("cannot tell the current directory").users()?,
        };
        let start = fs::canonicalize(&start)
            .with_context(|| format!("cannot open `{}`", start.display()))
            .users()
            .hint("name the app's directory, the one with the root `iterapp.toml`")?;
        if !start.is_dir() {
            let message = format!("`{}` is not a directory", start.display());
            return Err(Failure::users_fault(message).hint("name the app's directory, not a file in it"));
        }
        let around = match directory {
            Some(_) => None,
            None => start.ancestors().find(|place| place.join(".git").exists()),
        };
        let root = around.map_or(start.clone(), Path::to_owned);
        Ok(Self { root })
    }

    /// The directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether it is the root of a Git work tree.
    pub(crate) fn is_git(&self) -> bool {
        self.root.join(".git").exists()
    }

    /// What the repository is called: the last part of its origin's URL, else of its directory. Not yet a valid name.
    pub(crate) fn name(&self) -> Option<String> {
        let origin = self.is_git().then(|| {
            let work = WorkTree::at(&self.root);
            // A repository that Git cannot open has a directory all the same.
            runtime::small().ok()?.block_on(work.name()).ok().flatten()
        });
        let directory = || self.root.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        origin.flatten().or_else(directory)
    }

    /// What the files in the directory say. `app` is the name given on the command line.
    pub(crate) fn read(&self, app: Option<&AppName>) -> Result<Reading, Failure> {
        let directory = Directory::new(&self.root);
        let reading = self.read_tree(&directory, app)?;
        directory.finish().users()?;
        Ok(reading)
    }

    /// What the files of a commit say. Nothing in a linked work tree, whose objects are elsewhere.
    pub(crate) fn read_commit(
        &self,
        commit: &CommitId,
        app: Option<&AppName>,
        runtime: &Runtime,
    ) -> Result<Option<Reading>, Failure> {
        let objects = self.root.join(".git");
        if !objects.is_dir() {
            return Ok(None);
        }
        let tree = runtime.block_on(async {
            let repository = hops_git::Repository::open_or_init(objects).await?;
            hops_control::manifest_tree(&repository, commit).await
        });
        self.read_tree(&tree.answered()?, app).map(Some)
    }

    fn read_tree(&self, tree: &dyn Tree, app: Option<&AppName>) -> Result<Reading, Failure> {
        let name = app.map(ToString::to_string).or_else(|| self.name());
        let reading = hops_manifest::read(tree, name.as_deref());
        match (&reading.app, app) {
            (Some(read), Some(given)) if read.name != *given => {
                let message = format!("`{FILE_NAME}` names the app `{}`, not `{given}`", read.name);
                Err(Failure::users_fault(message).hint("leave out `--app`, or change `name` in the file"))
            }
            _ => Ok(reading),
        }
    }
}

/// The app, if its files are in order; their mistakes are printed where they are not.
pub(crate) fn accept(reading: Reading, printer: Printer) -> Result<App, Failure> {
    if !printer.is_quiet() || reading.has_errors() {
        printer.say(&excerpts(&reading, printer.colors_stderr()));
    }
    reading.app.ok_or_else(|| {
        let message = format!("the app's files have {}", count(&reading.diagnostics));
        let places: Vec<String> = reading.diagnostics.iter().map(ToString::to_string).collect();
        let cause =
            Cause::new(CauseCode::ManifestInvalid, &message, "`hops check` shows what to write instead");
        Failure::users_fault(&message).told_as(cause.with_proof(places.join("\n")))
    })
}

/// Every diagnostic with its excerpt, ending in a blank line where there is any.
pub(crate) fn excerpts(reading: &Reading, colour: bool) -> String {
    let mut text = hops_manifest::render(&reading.diagnostics, &reading.files, colour);
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// `2 errors, 1 warning`
pub(crate) fn count(diagnostics: &[hops_manifest::Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let parts = [(errors, "error"), (diagnostics.len() - errors, "warning")];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    });
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "no mistakes".to_owned() } else { text }
}
