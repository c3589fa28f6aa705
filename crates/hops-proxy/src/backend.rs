//! Talking to backends: HTTP/1.1 (ours, below) and HTTP/2 without TLS (hyper's, for gRPC).
//!
//! The HTTP/1.1 client is our own because of what it must know and must not cost. It must know whether a single byte
//! of an answer came, and still have the request's head, to decide whether a request may be sent again. It must not
//! cost a task, channels or a wake-up a request: a [`Link`] is polled by whoever waits for its answer.

mod chunked;
mod download;
mod head;
mod http2;
mod link;
mod patience;
mod pool;
mod upload;

pub(crate) use download::Download;
pub(crate) use head::{Framing, Head, write as write_head};
pub(crate) use http2::{Http2Pool, LocalExecutor};
pub(crate) use link::{Fault, Link};
pub(crate) use patience::Patience;
pub(crate) use pool::Pool;
pub(crate) use upload::Upload;
