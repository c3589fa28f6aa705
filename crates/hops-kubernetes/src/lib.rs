//! The engine that drives Kubernetes.
//!
//! ```text
//! Desired ─ render ─▶ objects ─┐
//!                              ├─ plan ─▶ Plan ─ apply ─▶ rollout (watch, decide, restore) ─▶ outcomes
//! the cluster ─ observe ───────┘
//! ```
//!
//! Rendering, planning and deciding are pure; [`Kubernetes`] alone talks to the cluster. This is the only crate that
//! knows Kubernetes; it knows nothing of repositories, builds and stored releases.
//!
//! Kubernetes 1.30 or later: `preStop.sleep` and native sidecars are on by default since then.

mod apply;
mod engine;
mod error;
mod gateway;
mod kinds;
mod labels;
mod logs;
mod observe;
mod plan;
mod remove;
mod render;
mod rollout;
mod settings;
mod status;
mod yaml;

pub use engine::{ConnectError, Kubernetes};
pub use plan::plan;
pub use render::{Object, render};
pub use settings::{Address, AddressError, Gateway, IngressSource, Settings, Tls, Wildcard};
pub use yaml::render_yaml;
