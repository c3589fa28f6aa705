//! A user's working tree in a temporary directory.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use hops_git::{Repository, WorkTree};
use hops_model::CommitId;
use tempfile::TempDir;

pub(crate) struct Sandbox {
    pub(crate) folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(sandbox.root()).unwrap();
        sandbox.git(&["init", "--quiet", "--initial-branch=main"]);
        sandbox
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits all there is.
    pub(crate) fn commit(&self, subject: &str) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.id("HEAD")
    }

    pub(crate) fn id(&self, reference: &str) -> CommitId {
        CommitId::parse(&self.git(&["rev-parse", reference])).unwrap()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.root(), args)
    }

    pub(crate) async fn tree(&self) -> WorkTree {
        WorkTree::discover(&self.root()).await.unwrap()
    }

    /// A bare copy that has everything.
    pub(crate) async fn copy(&self) -> Repository {
        let copy = Repository::open_or_init(self.folder.path().join("copy")).await.unwrap();
        let url = copy.path().to_str().unwrap().to_owned();
        self.git(&["push", "--quiet", &url, "+HEAD:refs/heads/main"]);
        copy
    }
}

pub(crate) fn git(directory: &Path, args: &[&str]) -> String {
    git_with(directory, args, "")
}

/// The same with something to read.
pub(crate) fn git_with(directory: &Path, args: &[&str], input: impl AsRef<[u8]>) -> String {
    let mut child = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "protocol.file.allow=always"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that does not want it says why when it has ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_ref());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
