//! The proxy through real sockets, in front of real backends.

#![expect(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

mod grpc;
mod limits;
mod malformed;
mod messages;
mod metrics;
mod redirects;
mod repeats;
mod shutdown;
mod smuggling;
mod support;
mod switching;
mod tls;
mod upgrades;
