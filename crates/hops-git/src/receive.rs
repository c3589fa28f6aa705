//! Git's smart HTTP protocol, the server's half, without the HTTP.
//!
//! `GET {repository}/info/refs?service=git-receive-pack` is answered by [`Repository::advertise`],
//! `POST {repository}/git-receive-pack` by [`Repository::receive`] (`gitprotocol-http(5)`). A push is never
//! compressed by Git's client at the HTTP level, so the body is passed on as it is. Pushes over 1 MiB begin with a
//! trial `POST` of four bytes, which `receive-pack` answers too.

use std::{io, process::Stdio};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    GitError, Repository,
    command::{Git, pipe, tail},
};

/// `Content-Type` of what [`Repository::advertise`] returns. It must not be cached.
pub const ADVERTISEMENT_TYPE: &str = "application/x-git-receive-pack-advertisement";
/// `Content-Type` of what [`Repository::receive`] reads.
pub const REQUEST_TYPE: &str = "application/x-git-receive-pack-request";
/// `Content-Type` of what [`Repository::receive`] writes.
pub const RESULT_TYPE: &str = "application/x-git-receive-pack-result";

const OPERATION: &str = "receive-pack";

/// How pushes are taken.
const RULES: [&str; 17] = [
    // What was deployed stays, to roll back to.
    "receive.denyDeletes=true",
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

impl Repository {
    /// What the copy has, as the body of an answer.
    pub async fn advertise(&self) -> Result<Vec<u8>, GitError> {
        let mut body = b"001f# service=git-receive-pack\n0000".to_vec();
        body.extend(self.receive_pack(None).args(["--http-backend-info-refs", "."]).run().await?);
        Ok(body)
    }

    /// Takes a push: reads the request's body from `input`, writes the answer's to `output`. Objects become
    /// visible only when all have come and are sound, so a push that breaks off leaves nothing. A push of more
    /// than `max_bytes` is refused.
    ///
    /// That references were refused is part of the answer, not an error.
    pub async fn receive(
        &self,
        mut input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
        max_bytes: u64,
    ) -> Result<(), GitError> {
        // When the caller goes away, its end of the pipe closes, and Git clears away what it had; killed, it
        // could not.
        let git = self.receive_pack(Some(max_bytes)).arg(".").stdin(Stdio::piped()).outliving();
        let mut child = git.spawn()?;
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
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
            tokio::io::copy(&mut stdout, &mut output).await?;
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

    fn receive_pack(&self, max_bytes: Option<u64>) -> Git {
        let limit = format!("receive.maxInputSize={}", max_bytes.unwrap_or_default());
        let rules = RULES.into_iter().chain([limit.as_str()]);
        Git::bare_with(self.path(), OPERATION, rules).arg("--stateless-rpc")
    }
}
