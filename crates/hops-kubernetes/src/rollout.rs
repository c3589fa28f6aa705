//! From applied objects to the fate of every appling, by watching.
//!
//! ```text
//! watch ─▶ View ─ judge (pure) ─▶ rolling │ live │ failed(Finding) ─ prove ─▶ Cause ─ restore ─▶ back │ not back
//! ```

mod follow;
mod judge;
mod listeners;
mod patience;
mod prove;
mod view;
mod watch;
mod words;

pub(crate) use follow::{Watched, follow};
pub(crate) use judge::describe;
pub(crate) use prove::{Subject, refused};
pub(crate) use view::PodView;
