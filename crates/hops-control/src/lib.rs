//! The verbs of HOPS: deploy, plan, roll back, show; and the jobs behind them.
//!
//! ```text
//! deploy ─▶ queue ─▶ job: check ─▶ build ─▶ release ─▶ plan ─▶ apply ─▶ outcome
//!                     │                                                  │
//!                     └───────────── events (kept, then live) ───────────┘
//! ```
//!
//! Every stage is written down before the next begins, so that a killed server takes up its deploys where they were.
//! This crate talks to engines and builders through their traits and never names one.

mod checked;
mod control;
mod desire;
mod error;
mod feed;
mod hosts;
mod job;
mod parts;
mod removal;
mod runner;
mod source;
mod variables;

pub use control::{Control, Status};
pub use desire::Wish;
pub use error::{ControlError, Fault};
pub use hosts::{HostPattern, HostPatternError, Hosts, NoHost};
pub use parts::Parts;
pub use source::manifest_tree;

// What its verbs take and give, for those who know them by it alone.
pub use hops_engine::{LogLine, Plan};
pub use hops_git::{ADVERTISEMENT_TYPE, GitError, REQUEST_TYPE, RESULT_TYPE};
pub use hops_store::{AppRow, EnvironmentRow, ReleaseRow};
