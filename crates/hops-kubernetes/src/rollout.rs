//! From applied objects to the fate of every appling, by watching.
//!
//! ```text
//! watch ─▶ View ─ judge (pure) ─▶ rolling │ live │ failed(Finding) ─ prove ─▶ Cause ─ restore ─▶ back │ not back
//!                                            └─ open: routes to it are changed, and waited for
//! ```

mod follow;
mod http;
mod judge;
mod listeners;
mod prove;
mod route;
mod view;
mod watch;
mod words;

pub(crate) use follow::{Watched, follow};
pub(crate) use judge::describe;
pub(crate) use prove::{Subject, refused};
pub(crate) use route::NewRoutes;
pub(crate) use view::PodView;
