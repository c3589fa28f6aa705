//! Commits built by a real `buildkitd` into a real registry.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod context;
mod faults;
mod relay;
mod reuse;
mod shop;
mod transfer;
mod user;
