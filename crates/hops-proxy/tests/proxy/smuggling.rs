//! Requests that two readers could read as two different things: refused, or made into the one that they mean.

use crate::support::{Backend, HOST, World, ok, status};

/// Sends bytes; expects a status, and what the backend saw of it (its request lines and bodies).
#[track_caller]
fn check(input: &str, expected: &str, seen: &[&str]) {
    let input = input.replace("HOST", &format!("Host: {HOST}")).replace('\n', "\r\n").replace('¬', "\n");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let backend = Backend::new(|_| ok("")).await;
        let world = World::new(&[&backend]);
        let answer = world.raw(input.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{input:?}: {answer:?}");
        let got =
            backend.seen().into_iter().map(|it| format!("{} {}", it.line, String::from_utf8_lossy(&it.body)));
        assert_eq!(got.collect::<Vec<_>>(), seen, "{input:?}");
        assert_eq!(backend.wrong(), [""; 0], "{input:?}");
    });
}

#[test]
fn two_lengths() {
    check("POST / HTTP/1.1\nHOST\nContent-Length: 3\nContent-Length: 4\n\nabcd", "400", &[]);
    check("POST / HTTP/1.1\nHOST\nContent-Length: 3, 3\n\nabc", "400", &[]);
    check("POST / HTTP/1.1\nHOST\nContent-Length: +3\n\nabc", "400", &[]);
    check("POST / HTTP/1.1\nHOST\nContent-Length: -3\n\nabc", "400", &[]);
    check("POST / HTTP/1.1\nHOST\nContent-Length: 0x3\n\nabc", "400", &[]);
    check("POST / HTTP/1.1\nHOST\nContent-Length: \n\nabc", "400", &[]);
    check("POST / HTTP/1.1\nHOST\nContent-Length: 99999999999999999999\n\nabc", "400", &[]);
    // The same twice is the same.
    let twice = "POST / HTTP/1.1\nHOST\nConnection: close\nContent-Length: 3\nContent-Length: 3\n\nabc";
    check(twice, "200", &["POST / HTTP/1.1 abc"]);
}

/// A length and chunks: the chunks are meant (RFC 9112 6.3), the length goes no further, and the connection ends, so
/// that what the length would have made a second request is none.
#[test]
fn a_length_and_chunks() {
    let body = "0\n\nGET /smuggled HTTP/1.1\nHOST\n\n";
    for fields in
        ["Content-Length: 6\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\nContent-Length: 6"]
    {
        check(&format!("POST / HTTP/1.1\nHOST\n{fields}\n\n{body}"), "200", &["POST / HTTP/1.1 "]);
    }
}

#[test]
fn codings() {
    let chunks = "3\nabc\n0\n\n";
    for coding in
        ["gzip", "chunked, gzip", "xchunked", "chunked-", "identity", "\"chunked\"", "chunked, identity"]
    {
        check(&format!("POST / HTTP/1.1\nHOST\nTransfer-Encoding: {coding}\n\n{chunks}"), "400", &[]);
    }
    check(&format!("POST / HTTP/1.0\nHOST\nTransfer-Encoding: chunked\n\n{chunks}"), "400", &[]);
    check(&format!("POST / HTTP/1.1\nHOST\nTransfer-Encoding : chunked\n\n{chunks}"), "400", &[]);
    check(&format!("POST / HTTP/1.1\nHOST\n Transfer-Encoding: chunked\n\n{chunks}"), "400", &[]);
    check(&format!("POST / HTTP/1.1\nHOST\nTransfer-Encoding:\u{b}chunked\n\n{chunks}"), "400", &[]);
    let plain = format!("POST / HTTP/1.1\nHOST\nConnection: close\nTransfer-Encoding: Chunked\n\n{chunks}");
    check(&plain, "200", &["POST / HTTP/1.1 abc"]);
}

#[test]
fn chunks() {
    let post = "POST / HTTP/1.1\nHOST\nConnection: close\nTransfer-Encoding: chunked\n\n";
    for body in [
        "x\nabc\n0\n\n",
        "-3\nabc\n0\n\n",
        "3\nabcd\n0\n\n",
        "fffffffffffffffff\nabc",
        "3 3\nabc\n0\n\n",
        "0x3\nabc\n0\n\n",
    ] {
        check(&format!("{post}{body}"), "400", &[]);
    }
    check(&format!("{post}3;name=\"value\"\nabc\n0\nX-Trailer: 1\n\n"), "200", &["POST / HTTP/1.1 abc"]);
}

#[test]
fn fields() {
    check("GET / HTTP/1.1\nHOST\nX-Folded: a\n b\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHOST\nX-Null: a\0b\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHOST\nX Space: a\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHOST\nNo colon\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHOST\n: no name\n\n", "400", &[]);
}

/// A bare line feed ends a line for hyper; for the backend there is none.
#[test]
fn bare_line_feeds_do_not_reach_backends() {
    check("GET / HTTP/1.1\nHOST\nConnection: close\nX-A: 1¬X-B: 2\n\n", "200", &["GET / HTTP/1.1 "]);
}

#[test]
fn request_lines() {
    check("GET /\n\n", "400", &[]);
    check("GET  / HTTP/1.1\nHOST\n\n", "400", &[]);
    check("GET / HTTP/2.0\nHOST\n\n", "400", &[]);
    check("GET / HTTP/1.1 x\nHOST\n\n", "400", &[]);
    check("GET /a b HTTP/1.1\nHOST\n\n", "400", &[]);
    check("G\u{e4}T / HTTP/1.1\nHOST\n\n", "400", &[]);
    check("GET ftp://shop.example/ HTTP/1.1\nHOST\nConnection: close\n\n", "400", &[]);
    check("CONNECT shop.example:443 HTTP/1.1\nHOST\nConnection: close\n\n", "405", &[]);
}

#[test]
fn hosts() {
    check("GET / HTTP/1.1\nConnection: close\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHOST\nHOST\nConnection: close\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHost: shop.example evil\nConnection: close\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHost: a@shop.example\nConnection: close\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHost: shop.example/x\nConnection: close\n\n", "400", &[]);
    check("GET / HTTP/1.1\nHost: evil.example\nConnection: close\n\n", "404", &[]);
    check("GET / HTTP/1.1\nHost: SHOP.example.:80\nConnection: close\n\n", "200", &["GET / HTTP/1.1 "]);
    // The target wins over the field (RFC 9112 3.2.2).
    let absolute = "GET http://shop.example/a HTTP/1.1\nHost: evil.example\nConnection: close\n\n";
    check(absolute, "200", &["GET /a HTTP/1.1 "]);
    check("GET http://evil.example/ HTTP/1.1\nHOST\nConnection: close\n\n", "404", &[]);
    check("GET http://u@shop.example/ HTTP/1.1\nHOST\nConnection: close\n\n", "400", &[]);
    check("OPTIONS * HTTP/1.1\nHOST\nConnection: close\n\n", "200", &["OPTIONS * HTTP/1.1 "]);
}
