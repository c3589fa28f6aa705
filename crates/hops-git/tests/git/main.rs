//! The real `git`, in directories of each test's own.

mod http;
mod receive;
mod repository;
mod sandbox;
mod worktree;
