//! Async runtimes, made only by the commands that need one: `hops check` is to be over before one would have started.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// One thread, for a client: it waits most of the time.
pub(crate) fn small() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
