//! The real binary: exit status, stdout and stderr of each run as one reviewed text.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arguments;
mod check;
mod client;
mod corpus;
mod machine;
mod render;
mod run;
mod server;
