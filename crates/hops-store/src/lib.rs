//! What HOPS remembers, in SQLite: apps, deploys and their events, releases, built images, routes.
//!
//! ```text
//! enqueue ─▶ queued ─ claim ─▶ running ─ finish ─▶ finished
//!               └──────── replaced, withdrawn ────────┘
//! ```
//!
//! The deploys are the job queue: of one target one runs and at most one waits, which the database itself sees to.
//! Every call is one transaction: it happened as a whole or not at all, whenever the process dies.
//! Instants are kept in milliseconds.
//!
//! This crate knows no engine, runs nothing and reads no clock. The statements keep to what SQLite and PostgreSQL
//! share.

mod apps;
mod decode;
mod deploys;
mod error;
mod events;
mod hosts;
mod images;
mod releases;
mod removals;
mod retention;
mod serving;
mod store;

pub use apps::{AppRow, EnvironmentRow};
pub use deploys::{Enqueued, NewDeploy};
pub use error::StoreError;
pub use releases::ReleaseRow;
pub use serving::Effect;
pub use store::Store;
