//! The HTTP API of HOPS: what goes over the wire, and the client that speaks it.
//!
//! ```text
//! Client ── JSON ──────────────▶ /v1/…        answer, or a Problem (RFC 9457) with its Cause
//!        ◀── server-sent events ─ /v1/…/events, /v1/…/logs   picked up again where they broke off
//! ```
//!
//! The types are the model's wherever it has them. This crate knows no server and no terminal.

mod client;
mod error;
mod problem;
mod resume;
mod sse;
mod subscription;
mod token;
mod wire;

pub use client::Client;
pub use error::ClientError;
pub use problem::{PROBLEM_TYPE, Problem};
pub use subscription::{END_EVENT, PROBLEM_EVENT};
pub use token::Token;
pub use wire::{
    AppSummary, DeployRequest, EnvironmentSummary, LogParameters, ReleaseSummary, RollbackRequest,
    TargetStatus, Version,
};
