//! Async runtimes, made only by the commands that need one: `hops check` is to be over before one would have started.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// One thread, for a client: it waits most of the time.
pub(crate) fn small() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Two threads, for the server: it waits for others most of the time, and each thread has memory of its own.
pub(crate) fn server() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).max_blocking_threads(32).enable_all().build()
}
