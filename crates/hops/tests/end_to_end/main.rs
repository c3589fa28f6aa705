//! From end to end: the real binary as server and as client, the real cluster, BuildKit and registry.
//!
//! Needs the test cluster; `cargo xtask test` starts it.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

mod app;
mod deploying;
mod failing;
mod platform;
mod rendering;
mod rolling_back;
mod surviving;
