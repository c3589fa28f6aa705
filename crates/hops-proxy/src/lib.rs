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
//! **The life of a request.**
//!
//! 1. `connection`: a socket is admitted, its protocol found (ALPN, or the first bytes), its times watched (`client`).
//! 2. `gate`: challenges, then the host, its route, the redirects; or a page that says why not (`pages`).
//! 3. `fields`: what ends at this hop goes, what the backend is to know of the client comes.
//! 4. `exchange`: a backend is chosen and counted in, a connection taken from the pool or made; the head is written,
//!    the body streamed (`backend`). What cannot have had an effect is tried again, nothing else is.
//! 5. `answer`: the answer streams back, and the connection to the backend returns to the pool. An upgraded
//!    connection becomes a `tunnel`.
//! 6. `record`: the request is over; it is counted, and logged as `hops::access` for whoever listens.
//!
//! **How it switches.** [`Upstream::set`] decides what new requests see; whoever left is drained: its requests
//! finish, its upgraded connections get a stated time and then a proper close. See [`Draining`].
//!
//! **What it does not do.** HTTP/3, caching, compression, WebSocket over HTTP/2 (browsers fall back to HTTP/1.1),
//! gRPC over anything but HTTP/2, the PROXY protocol.

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
mod tried;
mod tunnel;
mod upstream;
mod websocket;
mod worker;

pub use certificates::Certificates;
pub use challenges::{Challenges, Http01, TlsAlpn01};
pub use drain::{Drained, Draining};
pub use listen::{Listen, Listeners, listen};
pub use proxy::{Proxy, StartError};
pub use routes::{Https, Route, Routes, Table};
pub use settings::{Balance, DrainTimes, Limits, Settings, Timeouts};
pub use upstream::{Backend, Upstream};
