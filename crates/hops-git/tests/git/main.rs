//! The real `git`, in directories of each test's own.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod http;
mod receive;
mod repository;
mod sandbox;
mod worktree;
