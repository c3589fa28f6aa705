//! Commits built by a real `buildkitd` into a real registry, and by real Docker engines into themselves.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod context;
mod daemon;
mod engine;
mod faults;
mod relay;
mod reuse;
mod shop;
mod transfer;
mod user;
mod weight;
