//! The proxy through real sockets, in front of real backends.

mod grpc;
mod limits;
mod malformed;
mod messages;
mod metrics;
mod redirects;
mod repeats;
mod shutdown;
mod smuggling;
mod support;
mod switching;
mod tls;
mod upgrades;
