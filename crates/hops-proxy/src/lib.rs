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

mod admission;
mod answer;
mod backend;
mod certificates;
mod challenges;
mod client;
mod clock;
mod connection;
mod counters;
mod drain;
mod exchange;
mod fields;
mod gate;
mod grpc;
mod host;
mod listen;
mod member;
mod metrics;
mod pages;
mod proxy;
mod record;
mod routes;
mod settings;
mod stream;
mod tls;
mod tunnel;
mod upstream;
mod websocket;
mod worker;

pub use certificates::Certificates;
pub use challenges::{Challenges, Http01, TlsAlpn01};
pub use drain::{Drained, Draining};
pub use listen::{Listen, Listeners};
pub use proxy::{Proxy, StartError};
pub use routes::{Https, Route, Routes, Table};
pub use settings::{Balance, DrainTimes, Limits, Settings, Timeouts};
pub use upstream::{Backend, Upstream};
