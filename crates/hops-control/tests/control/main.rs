//! The way of a deploy, with a real store and real Git, and with an engine and a builder that do as a test says.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

mod deploying;
mod doubles;
mod dying;
mod platform;
mod removing;
mod resuming;
mod rolling_back;
