//! `BuildKit`'s protocol: session, file sync, solve, progress.
//!
//! A [`Client`] knows where a daemon is, a `buildkitd` or the one inside a Docker engine; [`Client::solve`]
//! gives it a [`Solve`] (Dockerfile, context, arguments, secrets, where the image goes), tells what happens as
//! [`Progress`], and ends with what was [`Built`] or a [`BuildError`] that names the step and the line. The
//! context is a [`Source`]; only the files that the daemon does not have yet are read and sent.
//!
//! This crate knows no app, no Git, no registry, no configuration; it is the only one that speaks gRPC.

mod address;
mod client;
mod error;
mod filter;
mod ignore;
mod pattern;
mod progress;
mod secret;
mod session;
mod solve;
mod source;
mod syntax;

pub use address::{Address, InvalidAddress, Tls};
pub use client::{Built, Client, Pruned};
pub use error::{BuildError, Failure, Location, Refusal};
pub use ignore::{InvalidIgnore, visible};
pub use progress::{Outcome, Progress, Step};
pub use secret::{Credentials, Login, SecretValue};
pub use solve::{Cache, Destination, Image, Solve, Syntax};
pub use source::{Directory, Entry, Files, Kind, Modified, Source};
