//! Builds with a real `buildkitd` and a real registry, and with a scripted daemon for what cannot be provoked.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod building;
mod context;
mod failures;
mod faults;
mod registry;
mod support;
