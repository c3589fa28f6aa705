//! The chunked transfer coding (RFC 9112 7.1) of answers, read strictly.

use bytes::{Buf, Bytes, BytesMut};
use hyper::{HeaderMap, header::HeaderName, http::HeaderValue};

/// More than any size line needs; whoever sends more plays games.
const LINE: usize = 256;
/// All trailer fields together.
const TRAILERS: usize = 16 * 1024;

/// Where in a chunked body the reader is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunked {
    /// Before a size line.
    Size,
    /// Inside a chunk that has so many bytes left.
    Data(u64),
    /// Before the line end that closes a chunk.
    DataEnd,
    /// After the last chunk.
    Trailers,
    /// After the whole body.
    Done,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Some of the body.
    Data(Bytes),
    /// The fields after the body; it is over.
    Trailers(HeaderMap),
    /// The body is over.
    End,
}

impl Chunked {
    /// The next piece from what has been read; `None` when more must be read first.
    pub(crate) fn decode(&mut self, inbox: &mut BytesMut) -> Result<Option<Piece>, &'static str> {
        loop {
            match self {
                Self::Size => match line(inbox)? {
                    None => return Ok(None),
                    Some(line) => {
                        *self = match size(&line)? {
                            0 => Self::Trailers,
                            size => Self::Data(size),
                        };
                    }
                },
                Self::Data(left) => {
                    if inbox.is_empty() {
                        return Ok(None);
                    }
                    let take = usize::try_from(*left).map_or(inbox.len(), |left| left.min(inbox.len()));
                    *left -= take as u64;
                    if *left == 0 {
                        *self = Self::DataEnd;
                    }
                    return Ok(Some(Piece::Data(inbox.split_to(take).freeze())));
                }
                Self::DataEnd => match line(inbox)? {
                    None => return Ok(None),
                    Some(line) if line.is_empty() => *self = Self::Size,
                    Some(_) => return Err("chunk longer than its size"),
                },
                Self::Trailers => {
                    return Ok(trailers(inbox)?.map(|trailers| {
                        *self = Self::Done;
                        if trailers.is_empty() { Piece::End } else { Piece::Trailers(trailers) }
                    }));
                }
                Self::Done => return Ok(Some(Piece::End)),
            }
        }
    }
}

/// Takes a line that ends in CR LF; a bare LF is an error.
fn line(inbox: &mut BytesMut) -> Result<Option<BytesMut>, &'static str> {
    match inbox.iter().take(LINE).position(|byte| *byte == b'\n') {
        Some(0) => Err("bare line feed in chunked body"),
        Some(end) if inbox[end - 1] != b'\r' => Err("bare line feed in chunked body"),
        Some(end) => {
            let line = inbox.split_to(end - 1);
            inbox.advance(2);
            Ok(Some(line))
        }
        None if inbox.len() >= LINE => Err("chunk size line too long"),
        None => Ok(None),
    }
}

/// The size before any extension.
fn size(line: &[u8]) -> Result<u64, &'static str> {
    let end = line.iter().position(|byte| matches!(byte, b';' | b' ' | b'\t')).unwrap_or(line.len());
    let (digits, rest) = line.split_at(end);
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("chunk size is no hexadecimal number");
    }
    if !rest.trim_ascii_start().is_empty() && !rest.trim_ascii_start().starts_with(b";") {
        return Err("chunk size followed by something else");
    }
    let digits = std::str::from_utf8(digits).map_err(|_| "chunk size is no text")?;
    u64::from_str_radix(digits, 16).map_err(|_| "chunk size is no hexadecimal number")
}

fn trailers(inbox: &mut BytesMut) -> Result<Option<HeaderMap>, &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let (length, trailers) = match httparse::parse_headers(inbox, &mut fields) {
        Err(_) => return Err("malformed trailers"),
        Ok(httparse::Status::Partial) if inbox.len() > TRAILERS => return Err("trailers too large"),
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete((length, fields))) => {
            let mut trailers = HeaderMap::new();
            for field in fields {
                let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| "malformed trailers")?;
                trailers
                    .append(name, HeaderValue::from_bytes(field.value).map_err(|_| "malformed trailers")?);
            }
            (length, trailers)
        }
    };
    inbox.advance(length);
    Ok(Some(trailers))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a body given in one piece and given byte by byte: both must tell the same.
    fn check(input: &[u8], expected: Result<&[u8], &str>) {
        for step in [input.len(), 1] {
            let mut inbox = BytesMut::new();
            let (mut state, mut body) = (Chunked::Size, Vec::new());
            let mut result = Err("incomplete");
            'input: for piece in input.chunks(step) {
                inbox.extend_from_slice(piece);
                loop {
                    match state.decode(&mut inbox) {
                        Ok(None) => break,
                        Ok(Some(Piece::Data(data))) => body.extend_from_slice(&data),
                        Ok(Some(_)) => result = Ok(()),
                        Err(error) => result = Err(error),
                    }
                    if result != Err("incomplete") {
                        break 'input;
                    }
                }
            }
            assert_eq!(result.map(|()| body.as_slice()), expected, "{:?}", String::from_utf8_lossy(input));
        }
    }

    #[test]
    fn bodies() {
        check(b"0\r\n\r\n", Ok(b""));
        check(b"5\r\nhello\r\n0\r\n\r\n", Ok(b"hello"));
        check(b"5;a=b\r\nhello\r\nA \r\n0123456789\r\n000\r\n\r\n", Ok(b"hello0123456789"));
        check(b"1\r\na\r\n0\r\ngrpc-status: 0\r\n\r\n", Ok(b"a"));
    }

    #[test]
    fn nonsense() {
        let no_number = Err("chunk size is no hexadecimal number");
        check(b"\r\n", no_number);
        check(b"-1\r\n", no_number);
        check(b"0x5\r\nhello\r\n", no_number);
        check(b"10000000000000000\r\n", no_number);
        check(b"5 5\r\nhello\r\n", Err("chunk size followed by something else"));
        check(b"5\nhello\r\n0\r\n\r\n", Err("bare line feed in chunked body"));
        check(b"4\r\nhello\r\n0\r\n\r\n", Err("chunk longer than its size"));
        check(b"0\r\nno colon\r\n\r\n", Err("malformed trailers"));
        check(b"5\r\nhel", Err("incomplete"));
    }

    #[test]
    fn trailers_are_given() {
        let mut inbox = BytesMut::from("0\r\nGrpc-Status: 3\r\n\r\n");
        let Ok(Some(Piece::Trailers(trailers))) = Chunked::Size.decode(&mut inbox) else {
            panic!("no trailers")
        };
        assert_eq!(trailers["grpc-status"], "3");
        assert!(inbox.is_empty());
    }

    proptest::proptest! {
        /// Whatever a backend says, and in whatever pieces: no panic, and pieces change nothing.
        #[test]
        fn nonsense_is_read_the_same_in_pieces(
            parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..10),
            step in 1..7_usize,
        ) {
            let bytes = parts.concat().into_bytes();
            let read_in = |step: usize| {
                let (mut inbox, mut state, mut body) = (BytesMut::new(), Chunked::Size, Vec::new());
                for piece in bytes.chunks(step.max(1)) {
                    inbox.extend_from_slice(piece);
                    loop {
                        match state.decode(&mut inbox) {
                            Ok(None) => break,
                            Ok(Some(Piece::Data(data))) => body.extend_from_slice(&data),
                            Ok(Some(_)) => return (body, Some(Ok(()))),
                            Err(_) => return (body, Some(Err(()))),
                        }
                    }
                }
                (body, None)
            };
            proptest::prop_assert_eq!(read_in(bytes.len()), read_in(step));
        }
    }

    const PARTS: &[&str] = &[
        "0\r\n",
        "1\r\na\r\n",
        "3;x=y\r\nabc\r\n",
        "2\r\n",
        "\r\n",
        "\n",
        "g\r\n",
        "a",
        "X-T: 1\r\n",
        "ffff\r\n",
    ];
}
