//! What any place to run apps must do.
//!
//! ```text
//! Desired ─┐
//!          ├─ plan (pure) ─▶ Plan ─ apply ─▶ events, then one outcome an appling
//! Observed ┘
//! ```
//!
//! An [`Engine`] observes what runs, plans the difference to what is wanted, and applies the plan. The plan is data:
//! shown by `hops plan`, written down before it is applied, applied again after a crash. Applying a plan twice is the
//! same as applying it once.
//!
//! This crate knows no engine, no store and no clock.

mod engine;
mod error;
mod events;
mod logs;
mod patience;
mod plan;
mod settings;

pub use engine::Engine;
pub use error::EngineError;
pub use events::Events;
pub use logs::{LogLine, LogQuery, LogStream};
pub use patience::{Deadlines, Doubt, Next, Patience, Standing, list_ports};
pub use plan::{Action, ApplingPlan, Change, ObjectId, Observed, Plan, Step};
pub use settings::{Scheme, seconds};
