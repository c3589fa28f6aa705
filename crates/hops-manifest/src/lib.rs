//! `iterapp.toml` files → [`hops_model::App`]: every mistake with its place and a fix.
//!
//! Reads through a [`Tree`], so that a commit and a directory read alike. Does no IO, reads no clock, knows no async,
//! and knows neither engines nor releases. Reading never stops at the first mistake: all files, all mistakes, one run.
//!
//! One table of keys ([`keys`]) is behind all of it: what is known and where it may stand, suggestions, the JSON
//! Schema ([`schema`]) and the reference page ([`reference_markdown`]).

mod applings;
mod cron;
mod diagnostic;
mod document;
pub mod keys;
mod lower;
mod not_yet;
mod position;
mod read;
mod reference;
mod render;
mod schema;
mod sealed;
mod suggest;
mod summary;
mod superseded;
mod table;
mod tree;
mod value;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use not_yet::{NotYet, not_yet};
pub use read::{FILE_NAME, Reading, read};
pub use reference::reference_markdown;
pub use render::render;
pub use schema::{schema, schema_text};
pub use sealed::SEALED_PREFIX;
pub use summary::{AppSummary, ApplingSummary, CheckReport};
pub use tree::{Entry, MAX_FILE_BYTES, MemoryTree, Tree};
