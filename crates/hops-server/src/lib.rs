//! HOPS over HTTP: the API, event streams, and Git's pushes.
//!
//! ```text
//! /v1/…    ─ token ─▶ resources ─▶ hops-control     answers as JSON, failures as problem details (RFC 9457)
//! /git/…   ─ token ─▶ the server's bare copy of a repository
//! /metrics ─ token ─▶ measured values, as text that Prometheus reads
//! /healthz, /v1/openapi.json                        for everybody
//! ```
//!
//! Thin: what a request means is decided in `hops-control`. This crate knows no engine, no builder and no SQL.

mod access;
mod authenticate;
mod extract;
mod failure;
mod observe;
mod resources;
mod router;
mod serve;
mod stream;

pub use access::{AccessToken, AccessTokenError};
pub use router::openapi;
pub use serve::{Metrics, Settings, serve};
