//! What can go wrong with Git.

use std::{io, path::PathBuf};

use hops_model::CommitId;
use thiserror::Error;

use crate::ObjectId;

/// Why something with Git failed.
#[derive(Debug, Error)]
pub enum GitError {
    /// The program cannot be started.
    #[error("cannot start `git`; is it installed, and is `{directory}` there?")]
    Start {
        /// Where it was to be started.
        directory: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The program was started, but talking with it failed.
    #[error("lost touch with `git {operation}`")]
    Pipe {
        /// What it was doing, such as `cat-file`.
        operation: String,
        /// What broke.
        #[source]
        source: io::Error,
    },
    /// Git says no.
    #[error("`git {operation}` failed: {words}")]
    Failed {
        /// What it was to do, such as `receive-pack`.
        operation: String,
        /// The end of what it said, on one or several lines.
        words: String,
    },
    /// Git answered with something that this version of HOPS does not understand.
    #[error("`git {operation}` answered unexpectedly: {answer:?}")]
    Answer {
        /// What it was to do.
        operation: String,
        /// What it said.
        answer: String,
    },
    /// A directory that is in no repository with a working tree.
    #[error(
        "`{directory}` is not in a Git repository; run `git init` there, or name the repository's directory"
    )]
    NoRepository {
        /// The directory.
        directory: PathBuf,
    },
    /// A path in a commit that is not UTF-8, which neither builder nor registry could carry.
    #[error("the commit holds a file whose name is not UTF-8, `{path}`; rename it")]
    PathNotUtf8 {
        /// The path, what is not UTF-8 replaced.
        path: String,
    },
    /// A commit that the copy does not have.
    #[error("the commit {commit} is not in the repository")]
    NoCommit {
        /// The commit.
        commit: CommitId,
    },
    /// An object that a tree names is not there; the copy is damaged, or was made with a filter.
    #[error("the object {object} is missing from the repository")]
    NoObject {
        /// The object.
        object: ObjectId,
    },
    /// The server did not accept the token.
    #[error("the server refused the token")]
    Unauthorized,
    /// The server did not take the commit.
    #[error("the server did not take the commit: {reason}")]
    Rejected {
        /// In the server's words.
        reason: String,
    },
    /// A file of HOPS's own, beside a repository or for a moment, could not be written.
    #[error("cannot write beside the repository")]
    Temporary(#[source] io::Error),
}
