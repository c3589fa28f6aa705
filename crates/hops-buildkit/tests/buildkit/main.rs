//! Builds with a real `buildkitd` and a real registry, and with a scripted daemon for what cannot be provoked.

mod building;
mod context;
mod faults;
mod failures;
mod registry;
mod support;
