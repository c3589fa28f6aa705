//! What HOPS logs, kept for tests that look at it.

use std::{
    io,
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::filter::LevelFilter;

static LINES: Mutex<String> = Mutex::new(String::new());

/// Keeps what is logged from now on, by all tests of this program.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let logging = tracing_subscriber::fmt().with_ansi(false).with_max_level(LevelFilter::INFO);
        logging.with_writer(|| Writer).init();
    });
}

/// Lines in which a word stands, such as the name of a test's own app.
pub(crate) fn lines(word: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
