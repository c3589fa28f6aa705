//! What the store promises, through its public face, on real database files.

#![expect(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

mod apps;
mod events;
mod file;
mod golden;
mod queue;
mod records;
mod releases;
mod support;
