use super::*;

fn check(input: &str, expected: Result<(Framing, bool), &str>) {
    for step in [input.len(), 1] {
        let mut inbox = BytesMut::new();
        let mut result = Err("incomplete");
        for piece in input.as_bytes().chunks(step) {
            inbox.extend_from_slice(piece);
            match read(&mut inbox, &Method::GET) {
                Ok(None) => continue,
                Ok(Some(head)) => result = Ok((head.framing, head.keeps_open)),
                Err(error) => result = Err(error),
            }
            break;
        }
        assert_eq!(result, expected, "{input:?}");
    }
}

#[test]
fn bodies_are_delimited_as_the_standard_says() {
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Ok((Framing::Length(5), true)));
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Close\r\n\r\n",
        Ok((Framing::Length(5), false)),
    );
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Ok((Framing::Chunked, true)));
    check("HTTP/1.1 200 OK\r\n\r\n", Ok((Framing::UntilClose, false)));
    check("HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", Ok((Framing::None, true)));
    check("HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", Ok((Framing::None, true)));
    check("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Ok((Framing::Length(5), false)));
    check(
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
        Ok((Framing::Length(5), true)),
    );
    check("HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n", Ok((Framing::Length(0), true)));
}

#[test]
fn doubtful_answers_are_not_reused_and_impossible_ones_refused() {
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(both, Ok((Framing::Chunked, false)));
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        Ok((Framing::Length(5), true)),
    );
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", Err("two content lengths"));
    check("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", Err("malformed content length"));
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        Err("transfer coding other than chunked"),
    );
    check(
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Err("transfer coding in an answer of HTTP/1.0"),
    );
    check("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Err("malformed head"));
    check("SSH-2.0-OpenSSH_9.2\r\n", Err("malformed head"));
}

#[test]
fn a_head_is_written_with_its_framing() {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static("a.example"));
    headers.insert("x-one", HeaderValue::from_static("1"));
    let mut outbox = b"left over".to_vec();
    let uri = Uri::from_static("http://other.example?q");
    write(&mut outbox, &Method::POST, &uri, &headers, Framing::Length(12));
    let expected = "POST /?q HTTP/1.1\r\nhost: a.example\r\nx-one: 1\r\ncontent-length: 12\r\n\r\n";
    assert_eq!(String::from_utf8(outbox).unwrap(), expected);
}

proptest::proptest! {
    /// Whatever a backend says, and in whatever pieces: no panic, and pieces change nothing.
    #[test]
    fn nonsense_is_read_the_same_in_pieces(
        head in proptest::collection::vec(proptest::sample::select(PARTS), 0..8),
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
        step in 1..9_usize,
    ) {
        let bytes = [head.concat().into_bytes(), body].concat();
        let read_in = |step: usize| {
            let mut inbox = BytesMut::new();
            for piece in bytes.chunks(step.max(1)) {
                inbox.extend_from_slice(piece);
                match read(&mut inbox, &Method::GET) {
                    Ok(None) => {}
                    Ok(Some(head)) => return Some(Ok((head.status, head.framing, head.keeps_open))),
                    Err(_) => return Some(Err(())),
                }
            }
            None
        };
        proptest::prop_assert_eq!(read_in(bytes.len()), read_in(step));
    }
}

const PARTS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 304 \r\n",
    "HTTP/1.1 999\r\n",
    "content-length: 5\r\n",
    "content-length: 6\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip\r\n",
    "connection: close\r\n",
    "x:\r\n",
    "\r\n",
    "\n",
    " folded\r\n",
];
