//! Server-sent events, as WHATWG's HTML Living Standard section 9.2.6 has them read.

use bytes::{Buf, BytesMut};
use thiserror::Error;

/// The longest line taken. The server sends log lines and causes, which it has limits for itself.
const LONGEST: usize = 8 * 1024 * 1024;

/// One event. One without data, such as a comment, is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its kind; empty for the usual one.
    pub(crate) event: String,
    /// The last id that was sent.
    pub(crate) id: String,
    pub(crate) data: String,
}

/// A line without end.
#[derive(Debug, Error)]
#[error("a line of the stream is longer than {LONGEST} bytes")]
pub(crate) struct TooLong;

/// Makes events of bytes as they come in.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    searched: usize,
    message: Message,
}

impl Decoder {
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.buffer.extend_from_slice(bytes);
        if self.message.data.len() > LONGEST {
            return Err(TooLong);
        }
        Ok(())
    }

    /// The next event that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, TooLong> {
        while let Some(length) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(self.searched + length);
            self.buffer.advance(1);
            self.searched = 0;
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if let Some(message) = self.line(&String::from_utf8_lossy(line)) {
                return Ok(Some(message));
            }
        }
        self.searched = self.buffer.len();
        if self.searched > LONGEST { Err(TooLong) } else { Ok(None) }
    }

    fn line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            let next = Message { id: self.message.id.clone(), ..Message::default() };
            let mut message = std::mem::replace(&mut self.message, next);
            message.data.pop()?;
            return Some(message);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.message.event),
            "id" => value.clone_into(&mut self.message.id),
            "data" => {
                self.message.data.push_str(value);
                self.message.data.push('\n');
            }
            // A comment (nothing before the colon), `retry`, or a field of the future.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<Message> {
        let mut decoder = Decoder::default();
        let mut messages = Vec::new();
        for chunk in chunks {
            decoder.push(chunk).unwrap();
            while let Some(message) = decoder.next().unwrap() {
                messages.push(message);
            }
        }
        messages
    }

    fn message(event: &str, id: &str, data: &str) -> Message {
        Message { event: event.into(), id: id.into(), data: data.into() }
    }

    #[test]
    fn events_comments_and_ids_are_told_apart() {
        let text = b": hello\n\nid: 1\ndata: a\n\nevent: problem\ndata:b\ndata\r\n\r\n:\n\nretry: 5\ndata: c\n\ndata: cut";
        let expected = [message("", "1", "a"), message("problem", "1", "b\n"), message("", "1", "c")];
        assert_eq!(decode(&[text]), expected);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut decoder = Decoder::default();
        let chunk = vec![b'x'; 1024 * 1024];
        let refused = (0..10).any(|_| decoder.push(&chunk).is_err() || decoder.next().is_err());
        assert!(refused);
        assert!(decoder.buffer.len() <= LONGEST + chunk.len());
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(text in "[a-z:\\n\\r ]{0,60}|(id: 1\\n|data: ö\\n|\\n){0,9}", at in 0usize..60) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            prop_assert_eq!(decode(&[bytes]), decode(&[&bytes[..at], &bytes[at..]]));
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&[&bytes]);
        }
    }
}
