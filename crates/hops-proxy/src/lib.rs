//! Hosts → backends: the reverse proxy in front of apps.
//!
//! It knows hosts, backends and certificates; never an app, a container or a release as anything but a label.
//!
//! ```text
//! socket → connection (TLS, HTTP/1.1, HTTP/2) → gate (is this request sound?) → route → upstream → backend
//!                                                                                  │
//!                                                              pool of connections, one a thread
//! ```
//!
//! **How it is fast.** One current-thread runtime a core, each with listeners (`SO_REUSEPORT`) and backend connections
//! of its own; routes and certificates are immutable tables behind an atomic pointer. Nothing in the request path
//! takes a lock or wakes another thread, and a backend connection is driven by the task of the request that uses it.
//!
//! **How it switches.** [`Upstream::set`] decides what new requests see; whoever left is drained: its requests
//! finish, its upgraded connections get a stated time and then a proper close. See [`Draining`].

mod certificates;
mod challenges;
mod drain;
mod member;
mod routes;
mod settings;
mod upstream;

pub use certificates::Certificates;
pub use challenges::Challenges;
pub use drain::{Drained, Draining};
pub use routes::{Https, Route, Routes, Table};
pub use settings::{Balance, DrainTimes, Limits, Settings, Timeouts};
pub use upstream::{Backend, Upstream};
