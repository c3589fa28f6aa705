//! A commit becomes images, one an appling.
//!
//! This crate knows repositories and builders; it knows no engine, no store and no release.

mod builder;

pub use builder::{ApplingBuild, BuildRequest, Builder};
