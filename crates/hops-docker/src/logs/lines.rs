//! Lines, put together from what the daemon sends: pieces of 16 KiB, each with its time before it.

use bollard::container::LogOutput;
use jiff::Timestamp;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: Option<Timestamp>,
    pub(super) text: String,
}

/// Longer ones are divided: a program that never ends its line must not take all memory.
const LINE_MAX: usize = 1024 * 1024;

/// Pieces whose line is not complete yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    stdout: Option<Piece>,
    stderr: Option<Piece>,
}

#[derive(Debug)]
struct Piece {
    at: Option<Timestamp>,
    bytes: Vec<u8>,
}

impl Lines {
    /// Takes what the daemon sent; gives the line that it completes, after one that nothing completes any more: the pieces of
    /// a line have one time, and what a process leaves without an end is followed by what the next one prints.
    pub(super) fn take(&mut self, output: &LogOutput) -> impl Iterator<Item = Line> + use<> {
        let waiting = match output {
            LogOutput::StdErr { .. } => &mut self.stderr,
            _ => &mut self.stdout,
        };
        let (at, bytes) = stamped(output.as_ref());
        let (bytes, is_complete) = match bytes.strip_suffix(b"\n") {
            Some(bytes) => (bytes, true),
            None => (bytes, false),
        };
        let left = waiting.take_if(|waiting| waiting.at != at);
        let mut piece = waiting.take().unwrap_or_else(|| Piece { at, bytes: Vec::new() });
        piece.bytes.extend_from_slice(bytes);
        let complete = if is_complete || piece.bytes.len() >= LINE_MAX {
            Some(piece)
        } else {
            *waiting = Some(piece);
            None
        };
        left.into_iter().chain(complete).map(Piece::line)
    }

    /// What was left when the log ended in the middle of a line.
    pub(super) fn rest(self) -> impl Iterator<Item = Line> {
        [self.stdout, self.stderr].into_iter().flatten().map(Piece::line)
    }
}

impl Piece {
    /// What is not UTF-8 is replaced; whole lines only, so that no character is cut in two.
    fn line(self) -> Line {
        let bytes = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        Line { at: self.at, text: String::from_utf8_lossy(bytes).into_owned() }
    }
}

/// Splits off the time that the daemon puts before each piece.
fn stamped(bytes: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
    let at = std::str::from_utf8(&bytes[..end]).ok().and_then(|text| text.trim_end().parse().ok());
    match at {
        Some(at) => (Some(at), bytes.get(end + 1..).unwrap_or_default()),
        None => (None, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-24T08:00:01.123456789Z";

    fn out(text: &[u8]) -> LogOutput {
        LogOutput::StdOut { message: [AT.as_bytes(), b" ", text].concat().into() }
    }

    fn err(text: &[u8]) -> LogOutput {
        LogOutput::StdErr { message: [AT.as_bytes(), b" ", text].concat().into() }
    }

    #[test]
    fn the_daemons_time_is_split_off() {
        let line = Lines::default().take(&out(b"listening on 3030\r\n")).next().unwrap();
        assert_eq!(line.at.unwrap().to_string(), AT);
        assert_eq!(line.text, "listening on 3030");
        assert_eq!(Lines::default().take(&out(b"\n")).next().unwrap().text, "");
        let line =
            Lines::default().take(&LogOutput::StdOut { message: "no time here\n".into() }).next().unwrap();
        assert_eq!((line.at, line.text.as_str()), (None, "no time here"));
    }

    #[test]
    fn pieces_of_a_long_line_are_joined_per_stream() {
        let mut lines = Lines::default();
        // A character that falls on the border of two pieces.
        let mut take = |output| lines.take(&output).map(|line| line.text).collect::<Vec<_>>();
        assert!(take(out(b"long \xc3")).is_empty());
        assert_eq!(take(err(b"oops\n")), ["oops"]);
        assert_eq!(take(out(b"\xa9 line\n")), ["long é line"]);
        assert!(take(out(b"rest")).is_empty());
        assert_eq!(lines.rest().map(|line| line.text).collect::<Vec<_>>(), ["rest"]);
    }

    #[test]
    fn what_a_process_left_without_an_end_is_a_line_of_its_own() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(&out(b"boom")).count(), 0);
        let later = LogOutput::StdOut { message: b"2026-11-24T08:00:02Z listening\n"[..].into() };
        let told: Vec<Line> = lines.take(&later).collect();
        assert_eq!(told.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["boom", "listening"]);
        assert_eq!(told[0].at.unwrap().to_string(), AT);
        assert_ne!(told[0].at, told[1].at);
    }

    #[test]
    fn what_is_not_utf_8_is_replaced_and_endless_lines_are_divided() {
        assert_eq!(Lines::default().take(&out(b"\xff!\n")).next().unwrap().text, "\u{fffd}!");
        let mut lines = Lines::default();
        let piece = vec![b'x'; 16 * 1024];
        let lengths: Vec<usize> =
            (0..64).flat_map(|_| lines.take(&out(&piece))).map(|line| line.text.len()).collect();
        assert_eq!(lengths, [LINE_MAX]);
    }
}
