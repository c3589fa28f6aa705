//! All that HOPS does with Git, through the `git` program (2.34 or newer).
//!
//! - [`Repository`]: a bare copy that the server keeps. Commits come in by [`Repository::receive`] (Git's own
//!   protocol over HTTP); [`Repository::tree`] and [`Blobs`] read them without a checkout.
//! - [`WorkTree`]: where a user works. It names the commit to deploy, makes one of the tree as it is, and sends it.
//!
//! Programs are started by argument list, with a cleaned environment; tokens travel in the environment only, and
//! appear in no error. This crate knows no app, no HTTP and no configuration.

mod blobs;
mod caveat;
mod command;
mod error;
mod object;
mod receive;
mod repository;
mod token;
mod tree;
mod worktree;

pub use blobs::Blobs;
pub use caveat::Caveat;
pub use error::GitError;
pub use object::ObjectId;
pub use receive::{ADVERTISEMENT_TYPE, REQUEST_TYPE, RESULT_TYPE};
pub use repository::Repository;
pub use token::Token;
pub use tree::{EntryKind, Tree, TreeEntry};
pub use worktree::{PushTarget, WorkTree};

use hops_model::CommitId;

/// The reference that keeps a commit in a bare copy: `refs/hops/{commit}`. One a commit, so that two pushes never
/// dispute a name, none is ever moved, and what was deployed once stays there to roll back to.
pub fn keeping_reference(commit: &CommitId) -> String {
    format!("{}/{commit}", repository::KEEPING)
}
