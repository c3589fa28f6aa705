//! The engine that drives Docker on one machine: a small kubelet.
//!
//! ```text
//! Desired ─┐
//!          ├─ plan (pure) ─▶ Plan ─ apply ─▶ keepers, one an appling ─▶ outcomes
//! Observed ┘                                   │         │
//!                               ledger: intent ┘         ├─ daemon: containers, networks, images
//!                                                        └─ proxy: who takes requests
//! ```
//!
//! Planning and judging are pure. `daemon` alone talks to Docker and decides nothing; keepers decide, and talk to it.
//! This is the only crate that knows Docker; it knows nothing of repositories, builds and stored releases.

mod apply;
mod daemon;
mod disk;
mod engine;
mod error;
mod form;
mod hosts;
mod images;
mod keeper;
mod labels;
mod ledger;
mod logs;
mod names;
mod network;
mod observe;
mod plan;
mod probe;
mod recovery;
mod remove;
mod render;
mod room;
mod secrets;
mod settings;
mod siblings;
mod site;

pub use daemon::ConnectError;
pub use engine::{Docker, StartError};
pub use ledger::LedgerError;
pub use plan::plan;
pub use settings::{Login, Redirect, Settings};
