//! What is being done, and how long it took, one plain line each on stderr.

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use anyhow::Result;

/// Steps that are done, with their seconds.
static TAKEN: Mutex<Vec<(String, f64)>> = Mutex::new(Vec::new());

/// Says `what`, does it, says how long it took.
pub(crate) fn step<T>(what: impl Display, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(format_args!("… {what}"));
    let begin = Instant::now();
    let result = work();
    let seconds = begin.elapsed().as_secs_f64();
    let mark = if result.is_ok() { '✓' } else { '✗' };
    say(format_args!("{mark} {what} ({seconds:.1} s)"));
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push((what.to_string(), seconds));
    result
}

/// What was done so far, each with its seconds.
pub(crate) fn taken() -> Vec<(String, f64)> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// One remark.
pub(crate) fn say(what: impl Display) {
    // Whoever read it may have gone, which is no reason to leave daemons behind.
    let _ = writeln!(io::stderr(), "{what}");
}
