//! How `git` is started.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::process::{Child, Command};

use crate::GitError;

/// Variables by which a caller's own Git (a hook that runs HOPS, say) would redirect ours: those that
/// `git rev-parse --local-env-vars` lists, what changes how arguments are read, and what prints headers and so
/// tokens.
const REMOVED: [&str; 38] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CURL_VERBOSE",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_PROTOCOL",
    "GIT_PUSH_OPTION_COUNT",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_CURL",
    "GIT_TRACE_CURL_NO_DATA",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_PACKFILE",
    "GIT_TRACE_SETUP",
    "GIT_WORK_TREE",
];

/// A `git` about to be started.
#[derive(Debug)]
pub(crate) struct Git {
    command: Command,
    directory: PathBuf,
    operation: String,
}

/// What a `git` that was waited for left.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    operation: String,
}

impl Git {
    /// In a bare copy of ours: nobody's configuration but what is said here, so that the same is done on every
    /// machine.
    pub(crate) fn bare(path: &Path, operation: &str) -> Self {
        Self::bare_with(path, operation, [])
    }

    /// As [`Git::bare`], with settings, each as `key=value`.
    pub(crate) fn bare_with<'rule>(
        path: &Path,
        operation: &str,
        settings: impl IntoIterator<Item = &'rule str>,
    ) -> Self {
        Self::with(path, operation, |command| {
            command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").arg("--git-dir=.");
            // The directory is named by HOPS's own configuration; in a volume it may well belong to another user.
            let always = ["safe.directory=*", "safe.bareRepository=all", "core.hooksPath=/dev/null"];
            for setting in always.into_iter().chain(settings) {
                command.args(["-c", setting]);
            }
        })
    }

    /// In a user's repository, with the user's configuration: proxies, certificate authorities, ignore files and
    /// filters are part of how it works there.
    pub(crate) fn work(directory: &Path, operation: &str) -> Self {
        Self::with(directory, operation, |command| {
            // Looking must not rewrite the user's index.
            command.arg("--no-optional-locks");
        })
    }

    fn with(directory: &Path, operation: &str, global: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("git");
        for name in REMOVED {
            command.env_remove(name);
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        global(&mut command);
        command.arg(operation);
        Self { command, directory: directory.to_owned(), operation: operation.to_owned() }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Settings that do not show in the list of processes, for secrets (Git 2.31).
    pub(crate) fn hidden_settings(mut self, settings: &[(&str, &str)]) -> Self {
        self.command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (at, (key, value)) in settings.iter().enumerate() {
            self.command
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        self
    }

    pub(crate) fn stdin(mut self, stdin: Stdio) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// Lets it come to its own end when nobody waits for it any more.
    pub(crate) fn outliving(mut self) -> Self {
        self.command.kill_on_drop(false);
        self
    }

    pub(crate) fn spawn(mut self) -> Result<Child, GitError> {
        self.command.spawn().map_err(|source| GitError::Start { directory: self.directory, source })
    }

    /// Runs to the end, whatever that is.
    pub(crate) async fn output(self) -> Result<Output, GitError> {
        let operation = self.operation.clone();
        let output = self.spawn()?.wait_with_output().await;
        let output = output.map_err(|source| GitError::Pipe { operation: operation.clone(), source })?;
        Ok(Output { status: output.status, stdout: output.stdout, stderr: output.stderr, operation })
    }

    /// Runs to a good end.
    pub(crate) async fn run(self) -> Result<Vec<u8>, GitError> {
        let output = self.output().await?;
        if output.status.success() { Ok(output.stdout) } else { Err(output.failed()) }
    }

    /// Runs to a good end; what it printed, without the last line's end.
    pub(crate) async fn text(self) -> Result<String, GitError> {
        let operation = self.operation.clone();
        let text = String::from_utf8(self.run().await?);
        let mut text = text.map_err(|error| GitError::Answer {
            operation,
            answer: String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })?;
        if text.ends_with('\n') {
            text.pop();
        }
        Ok(text)
    }
}

impl Output {
    pub(crate) fn failed(&self) -> GitError {
        let words = tail(&self.stderr);
        let words = if words.is_empty() { self.status.to_string() } else { words };
        GitError::Failed { operation: self.operation.clone(), words }
    }
}

/// Lines of Git's words that an error carries.
const TAIL: usize = 8;

/// The last lines, without what is only progress.
pub(crate) fn tail(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text
        .split(['\n', '\r'])
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.contains("% ("))
        .collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

pub(crate) fn pipe(operation: &str) -> impl Fn(io::Error) -> GitError {
    move |source| GitError::Pipe { operation: operation.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_not_part_of_the_words() {
        let stderr = b"Writing objects:  50% (1/2)\rWriting objects: 100% (2/2), done.\nfatal: early EOF\n";
        assert_eq!(tail(stderr), "fatal: early EOF");
    }
}
