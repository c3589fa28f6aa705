//! Sending a commit to a server.

use std::io;

use hops_model::CommitId;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::WorkTree;
use crate::{
    GitError, Token,
    command::{pipe, tail},
};

/// Where a commit goes.
#[derive(Clone, Debug)]
pub struct PushTarget<'push> {
    /// The repository's address, without name or password in it.
    pub url: &'push str,
    /// The full reference that is to name it there, such as [`keeping_reference`](crate::keeping_reference) gives.
    pub reference: &'push str,
    /// What to prove oneself with.
    pub token: Option<&'push Token>,
}

const OPERATION: &str = "push";

/// Bytes of Git's words that are kept for an error.
const KEPT: usize = 16 << 10;

impl WorkTree {
    /// Sends a commit, and of its history what the other side does not have. `progress` is given Git's own lines
    /// (`Writing objects:  42% (5/12)`) and the server's (`remote: …`) as they come.
    pub async fn push(
        &self,
        commit: &CommitId,
        target: &PushTarget<'_>,
        mut progress: impl FnMut(&str),
    ) -> Result<(), GitError> {
        let header = target.token.map(|token| format!("Authorization: Bearer {}", token.expose()));
        let mut settings = vec![
            // Nobody is there to be asked, and what the user's helpers know is not for this server.
            ("credential.helper", ""),
            ("core.askPass", ""),
            // A header goes wherever a redirection leads.
            ("http.followRedirects", "false"),
            ("push.followTags", "false"),
            ("push.gpgSign", "false"),
            ("push.recurseSubmodules", "no"),
            // One request in most cases, instead of a trial and a chunked one.
            ("http.postBuffer", "16777216"),
        ];
        if let Some(header) = &header {
            settings.push(("http.extraHeader", header));
        }
        let git = self.git(OPERATION).args([
            "--porcelain",
            "--progress",
            "--no-verify",
            "--no-signed",
            "--",
            target.url,
        ]);
        let git = git.arg(format!("+{commit}:{}", target.reference)).env("GIT_ASKPASS", "");
        let mut child = git.hidden_settings(&settings).spawn()?;
        let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(pipe(OPERATION)(io::ErrorKind::BrokenPipe.into()));
        };
        let mut report = Vec::new();
        let (read, words) =
            tokio::join!(stdout.read_to_end(&mut report), lines(stderr, |line| progress(line)));
        let status = child.wait().await.map_err(pipe(OPERATION))?;
        if status.success() {
            return Ok(());
        }
        read.map_err(pipe(OPERATION))?;
        let words = words.map_err(pipe(OPERATION))?;
        let mut words = tail(&words);
        if let Some(token) = target.token {
            words = words.replace(token.expose(), "…");
        }
        match explain(&String::from_utf8_lossy(&report), words) {
            // A copy need not show all that it has; what bears this name can only be this commit.
            GitError::Rejected { reason }
                if reason.contains("reference already exists")
                    && target.reference == crate::keeping_reference(commit) =>
            {
                Ok(())
            }
            error => Err(error),
        }
    }
}

fn explain(report: &str, words: String) -> GitError {
    // `!`, the references, and why, divided by tabs.
    let rejected = report.lines().find_map(|line| line.strip_prefix("!\t")?.split_once('\t'));
    if let Some((_, summary)) = rejected {
        let reason =
            summary.split_once(" (").and_then(|(_, reason)| reason.strip_suffix(')')).unwrap_or(summary);
        let remote: Vec<_> = words.lines().filter_map(|line| line.strip_prefix("remote: ")).collect();
        let reason =
            if remote.is_empty() { reason.to_owned() } else { format!("{reason}\n{}", remote.join("\n")) };
        return GitError::Rejected { reason };
    }
    // Git's words for an answer of 401 without a terminal to ask at, and for one of 403.
    let is_refused =
        ["could not read Username", "Authentication failed", "returned error: 401", "returned error: 403"];
    if is_refused.iter().any(|sign| words.contains(sign)) {
        return GitError::Unauthorized;
    }
    GitError::Failed { operation: OPERATION.to_owned(), words }
}

/// Hands on each line, also those rewritten with carriage returns, and returns the end of it all.
async fn lines(mut from: impl AsyncRead + Unpin, mut each: impl FnMut(&str)) -> io::Result<Vec<u8>> {
    let (mut all, mut line) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 4 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        for &byte in &buffer[..count] {
            match byte {
                b'\n' | b'\r' if line.is_empty() => {}
                b'\n' | b'\r' => {
                    each(String::from_utf8_lossy(&line).trim_end());
                    line.clear();
                }
                byte => line.push(byte),
            }
        }
        all.extend_from_slice(&buffer[..count]);
        if all.len() > 2 * KEPT {
            all.drain(..all.len() - KEPT);
        }
    }
    if !line.is_empty() {
        each(String::from_utf8_lossy(&line).trim_end());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_the_servers_words() {
        let report = "To http://h/shop.git\n!\tabc:refs/hops/abc\t[remote rejected] (unpacker error)\nDone\n";
        let error =
            explain(report, "remote: fatal: pack exceeds maximum allowed size\nerror: failed".to_owned());
        assert_eq!(
            error.to_string(),
            "the server did not take the commit: unpacker error\nfatal: pack exceeds maximum allowed size"
        );
        let error = explain(
            "",
            "fatal: could not read Username for 'http://h': terminal prompts disabled".to_owned(),
        );
        assert!(matches!(error, GitError::Unauthorized));
    }

    #[tokio::test]
    async fn rewritten_lines_are_lines() {
        let mut seen = Vec::new();
        let all = lines(&b"a 1%\ra 2%\r\n\nremote: x  \nlast"[..], |line| seen.push(line.to_owned()))
            .await
            .unwrap();
        assert_eq!(seen, ["a 1%", "a 2%", "remote: x", "last"]);
        assert_eq!(all.len(), 28);
    }
}
