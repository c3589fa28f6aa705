//! Git's smart HTTP protocol, the server's half, without the HTTP.
//!
//! `GET {repository}/info/refs?service=git-receive-pack` is answered by [`Repository::advertise`],
//! `POST {repository}/git-receive-pack` by [`Repository::receive`] (`gitprotocol-http(5)`). A push is never
//! compressed by Git's client at the HTTP level, so the body is passed on as it is. Pushes over 1 MiB begin with a
//! trial `POST` of four bytes, which `receive-pack` answers too.

mod request;

use std::{io, process::Stdio};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::{ChildStderr, ChildStdout},
    runtime::Handle,
};

use self::request::Request;
use crate::{
    GitError, Repository,
    command::{Git, pipe, tail},
    repository::KEEPING,
};

/// `Content-Type` of what [`Repository::advertise`] returns. It must not be cached.
pub const ADVERTISEMENT_TYPE: &str = "application/x-git-receive-pack-advertisement";
/// `Content-Type` of what [`Repository::receive`] reads.
pub const REQUEST_TYPE: &str = "application/x-git-receive-pack-request";
/// `Content-Type` of what [`Repository::receive`] writes.
pub const RESULT_TYPE: &str = "application/x-git-receive-pack-result";

const OPERATION: &str = "receive-pack";

/// References shown by a copy with shallow history; enough to find what both sides have.
const SHOWN: usize = 100;

/// How pushes are taken.
const RULES: [&str; 16] = [
    // A branch that was rebased is deployed like any other.
    "receive.denyNonFastForwards=false",
    // A shallow clone (CI) pushes its commit without the history before it; a build needs the tree alone.
    "receive.shallowUpdate=true",
    // Damaged or malicious objects do not come in …
    "receive.fsckObjects=true",
    // … while harmless sins of old tools do, or their history could never be pushed.
    "receive.fsck.badTimezone=ignore",
    "receive.fsck.missingSpaceBeforeDate=ignore",
    "receive.fsck.missingSpaceBeforeEmail=ignore",
    "receive.fsck.zeroPaddedFilemode=ignore",
    "receive.fsck.zeroPaddedDate=ignore",
    // Repacking is done when nobody waits, by `Repository::tidy`.
    "receive.autogc=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // Visible and to be pushed to: branches, tags, what keeps commits. All else is the server's own.
    "transfer.hideRefs=refs",
    "transfer.hideRefs=!refs/heads",
    "transfer.hideRefs=!refs/tags",
    "transfer.hideRefs=!refs/hops",
    "receive.advertisePushOptions=false",
];

/// What Git says, heard to its end also when nobody waits for it any more: a signal for speaking into a closed pipe would
/// end Git before it has cleared away what it had.
struct Heard {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        let (Some(mut stdout), Some(mut stderr)) = (self.stdout.take(), self.stderr.take()) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let (mut first, mut second) = (tokio::io::sink(), tokio::io::sink());
            let _ = tokio::join!(
                tokio::io::copy(&mut stdout, &mut first),
                tokio::io::copy(&mut stderr, &mut second)
            );
        });
    }
}

impl Repository {
    /// What the copy has, as the body of an answer.
    pub async fn advertise(&self) -> Result<Vec<u8>, GitError> {
        let mut body = b"001f# service=git-receive-pack\n0000".to_vec();
        let hidden = self.hidden_when_shallow().await?;
        let hidden = hidden.iter().map(String::as_str);
        body.extend(self.receive_pack(hidden).args(["--http-backend-info-refs", "."]).run().await?);
        Ok(body)
    }

    /// Once a shallow clone has pushed, some commits are here without their history. A client that has all of it
    /// would take a commit that it sees here to come with its ancestors, and leave out what is missing; so only what
    /// is complete is shown. Branches and tags stay visible, as they could not be moved otherwise.
    async fn hidden_when_shallow(&self) -> Result<Vec<String>, GitError> {
        let shallow = match tokio::fs::read_to_string(self.path().join("shallow")).await {
            Ok(text) if !text.is_empty() => text,
            _ => return Ok(Vec::new()),
        };
        let mut git = self.git("for-each-ref").args(["--format=%(refname)", "--sort=-committerdate"]);
        git = git.arg(format!("--count={SHOWN}"));
        for commit in shallow.lines() {
            git = git.args(["--no-contains", commit]);
        }
        let complete = git.arg(KEEPING).text().await?;
        let shown = complete.lines().map(|name| format!("transfer.hideRefs=!{name}"));
        Ok([format!("transfer.hideRefs={KEEPING}")].into_iter().chain(shown).collect())
    }

    /// Takes a push: reads the request's body from `input`, writes the answer's to `output`. Objects become
    /// visible only when all have come and are sound, so a push that breaks off leaves nothing. A push of more
    /// than `max_bytes` is refused.
    ///
    /// That references were refused is part of the answer, not an error; that something was to be deleted is a
    /// [`GitError::Rejected`], for which nothing was written.
    pub async fn receive(
        &self,
        mut input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
        max_bytes: u64,
    ) -> Result<(), GitError> {
        let request = Request::read(&mut input).await?;
        if let Some(reference) = request.deletion {
            // Git's own setting for this is about branches only.
            return Err(GitError::Rejected { reason: format!("`{reference}` cannot be deleted here") });
        }
        let mut input = request.read.as_slice().chain(input);
        // When the caller goes away, its end of the pipe closes, and Git clears away what it had; killed, it
        // could not.
        let limit = format!("receive.maxInputSize={max_bytes}");
        let git = self.receive_pack([limit.as_str()]).arg(".").stdin(Stdio::piped()).outliving();
        let mut child = git.spawn()?;
        let mut heard = Heard { stdout: child.stdout.take(), stderr: child.stderr.take() };
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), heard.stdout.as_mut(), heard.stderr.as_mut())
        else {
            return Err(pipe(OPERATION)(io::ErrorKind::BrokenPipe.into()));
        };
        let feed = async {
            let fed = tokio::io::copy(&mut input, &mut stdin).await;
            drop(stdin);
            match fed {
                // Git refused before the end; its words follow.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                fed => fed.map(drop),
            }
        };
        let answer = async {
            tokio::io::copy(stdout, &mut output).await?;
            output.shutdown().await
        };
        let listen = async {
            let mut words = Vec::new();
            stderr.read_to_end(&mut words).await?;
            Ok(words)
        };
        // An answer that nobody takes ends the push; input that breaks off is Git's to notice.
        let (fed, talked) = tokio::join!(feed, async { tokio::try_join!(answer, listen) });
        let status = child.wait().await.map_err(pipe(OPERATION))?;
        let ((), words) = talked.map_err(pipe(OPERATION))?;
        fed.map_err(pipe(OPERATION))?;
        if status.success() {
            return Ok(());
        }
        let words = tail(&words);
        Err(GitError::Failed {
            operation: OPERATION.to_owned(),
            words: if words.is_empty() { status.to_string() } else { words },
        })
    }

    fn receive_pack<'setting>(&self, settings: impl IntoIterator<Item = &'setting str>) -> Git {
        Git::bare_with(self.path(), OPERATION, RULES.into_iter().chain(settings)).arg("--stateless-rpc")
    }
}
