//! The server on a real socket, with the real client, the real Git, the real state; engine and builder are doubles.

#![expect(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

mod access;
mod deploys;
mod description;
mod doubles;
mod pushes;
mod refusals;
mod streams;
mod support;
