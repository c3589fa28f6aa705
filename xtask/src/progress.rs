//! What is being done, and how long it took, one plain line each on stderr.

use std::{fmt::Display, time::Instant};

use anyhow::Result;

/// Says `what`, does it, says how long it took.
pub(crate) fn step<T>(what: impl Display, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("… {what}");
    let begin = Instant::now();
    let result = work();
    let mark = if result.is_ok() { '✓' } else { '✗' };
    eprintln!("{mark} {what} ({:.1} s)", begin.elapsed().as_secs_f64());
    result
}

/// One remark.
pub(crate) fn say(what: impl Display) {
    eprintln!("{what}");
}
