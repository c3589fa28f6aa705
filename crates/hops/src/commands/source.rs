//! What is deployed: a commit of the repository around here.

use anyhow::Context;
use hops_git::{PushTarget, WorkTree, keeping_reference};
use hops_model::{App, AppName, Cause, CauseCode, CommitId, Environment};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;

use crate::{
    args::{SourceArgs, TargetArgs},
    connection::{Answered, Connection},
    failure::{Blame, Failure},
    printer::Printer,
    repository::{Repository, accept},
};

/// A commit that can be sent to a server.
#[derive(Debug)]
pub(crate) struct Source {
    /// The app that it is of.
    pub(crate) app: AppName,
    /// Where it goes; the commit's own `default_environment` where there is none.
    pub(crate) environment: Option<Environment>,
    /// The commit.
    pub(crate) commit: CommitId,
    work: WorkTree,
}

impl Source {
    /// Finds the commit and checks its files, before anything is sent.
    pub(crate) fn find(
        repository: &Repository,
        source: &SourceArgs,
        target: &TargetArgs,
        runtime: &Runtime,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let (work, commit, is_directory) = runtime.block_on(find_commit(repository, source, printer))?;
        let given = target.app.as_ref();
        let reading = if is_directory {
            Some(repository.read(given)?)
        } else {
            repository.read_commit(&commit, given, runtime)?
        };
        let app = match (reading, given) {
            (Some(reading), _) => {
                let app = accept(reading, printer)?;
                refuse_what_cannot_be_done(&app, target.environment)?;
                app.name
            }
            // The server checks the commit's files as well; here only a name is needed.
            (None, Some(given)) => given.clone(),
            (None, None) => accept(repository.read(None)?, printer).hint("or name the app: `-a APP`")?.name,
        };
        Ok(Self { app, environment: target.environment, commit, work })
    }

    /// Sends the commit, and of its history what the server does not have.
    pub(crate) async fn send(&self, connection: &Connection, printer: Printer) -> Result<(), Failure> {
        let url = connection.client.repository_url(&self.app);
        let reference = keeping_reference(&self.commit);
        let target =
            PushTarget { url: url.as_str(), reference: &reference, token: Some(&connection.git_token) };
        let bar = if printer.is_interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(
            ProgressStyle::with_template("{wide_msg}").expect("the template is a constant that parses"),
        );
        let sent = self.work.push(&self.commit, &target, |line| bar.set_message(line.to_owned())).await;
        bar.finish_and_clear();
        sent.answered()
    }
}

/// What the server would refuse is said before anything is sent to it.
fn refuse_what_cannot_be_done(app: &App, environment: Option<Environment>) -> Result<(), Failure> {
    let needs = hops_manifest::not_yet(app, environment.unwrap_or(app.default_environment));
    let Some(first) = needs.first() else { return Ok(()) };
    let lines: Vec<String> = needs.iter().map(|need| format!("{}: {}", need.appling, need.message)).collect();
    let cause = Cause::new(CauseCode::NotSupported, lines.join("\n"), &first.help);
    Err(Failure::users_fault(&cause.message).hint(&first.help).told_as(cause))
}

/// The commit that is meant, and whether it is the same as what the directory holds.
async fn find_commit(
    repository: &Repository,
    source: &SourceArgs,
    printer: Printer,
) -> Result<(WorkTree, CommitId, bool), Failure> {
    let work = WorkTree::discover(repository.root()).await.answered()?;
    let root = std::fs::canonicalize(work.root()).context("cannot find the repository's root").users()?;
    if root != repository.root() {
        let message = format!("`{}` is only a part of its repository", repository.root().display());
        return Err(Failure::users_fault(message)
            .hint(format!("an app is a whole repository; deploy `{}`", root.display())));
    }
    let is_dirty = work.is_dirty().await.answered()?;
    if source.dirty && is_dirty {
        let commit = work.dirty_commit().await.answered()?;
        return Ok((work, commit, true));
    }
    let head = work.head().await.answered()?;
    let Some(reference) = &source.reference else {
        let commit = head.ok_or_else(|| {
            Failure::users_fault("the repository has no commit yet")
                .hint("commit something, or deploy the files as they are: `--dirty`")
        })?;
        if is_dirty {
            printer.warning("changes that are not committed are left out; `--dirty` takes them along");
        }
        return Ok((work, commit, !is_dirty));
    };
    let commit = work.resolve(reference).await.answered()?.ok_or_else(|| {
        let message = format!("there is no commit `{reference}` in `{}`", repository.root().display());
        let help = "name a branch, a tag or a commit; `git fetch` brings those of others";
        let cause = Cause::new(CauseCode::CommitMissing, &message, help);
        Failure::users_fault(&message).hint(help).told_as(cause)
    })?;
    let is_directory = !is_dirty && head.as_ref() == Some(&commit);
    Ok((work, commit, is_directory))
}
