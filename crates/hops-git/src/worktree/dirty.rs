//! A commit made of the working tree as it is.

use std::{ffi::OsString, io, os::unix::ffi::OsStringExt};

use hops_model::CommitId;

use super::WorkTree;
use crate::GitError;

/// Who makes these commits; the user's own name would claim that they had committed it.
const MAKER: (&str, &str) = ("HOPS", "hops@localhost");

impl WorkTree {
    /// Makes a commit of every file that is not ignored, as it is now, on top of what is checked out. The index, the
    /// branches and the files stay untouched; the commit is kept by nothing but what it is pushed to.
    pub async fn dirty_commit(&self) -> Result<CommitId, GitError> {
        let folder = tempfile::tempdir().map_err(GitError::Temporary)?;
        let index = folder.path().join("index");
        // A copy, because it knows which files are unchanged: then only the changed ones are read.
        let own = self.git("rev-parse").args(["--path-format=absolute", "--git-path", "index"]).run().await?;
        let own = own.strip_suffix(b"\n").unwrap_or(&own).to_vec();
        match std::fs::copy(OsString::from_vec(own), &index) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(GitError::Temporary(error)),
            _ => {}
        }
        self.git("add").arg("--all").env("GIT_INDEX_FILE", &index).run().await?;
        let tree = self.git("write-tree").env("GIT_INDEX_FILE", &index).text().await?;

        let head = self.head().await?;
        let message = match &head {
            Some(head) => format!("Uncommitted changes on top of {}", head.short()),
            None => "Uncommitted files".to_owned(),
        };
        let mut git = self.git("commit-tree").args(["-m", &message]);
        if let Some(head) = &head {
            git = git.args(["-p", head.as_str()]);
        }
        for who in ["AUTHOR", "COMMITTER"] {
            git = git.env(&format!("GIT_{who}_NAME"), MAKER.0).env(&format!("GIT_{who}_EMAIL"), MAKER.1);
        }
        let commit = git.arg(tree).text().await?;
        CommitId::parse(&commit)
            .map_err(|_| GitError::Answer { operation: "commit-tree".to_owned(), answer: commit })
    }
}
