//! Sound requests, and ways to damage them.

use fastrand::Rng;

use crate::support::HOST;

/// A request made from a seed: sound at first, then damaged a few times.
pub(crate) fn request(seed: u64) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed);
    let mut bytes = sound(&mut rng, seed);
    for _ in 0..rng.usize(1..6) {
        damage(&mut rng, &mut bytes);
    }
    if rng.u8(..4) == 0 {
        bytes.extend(sound(&mut rng, seed));
    }
    bytes
}

fn sound(rng: &mut Rng, seed: u64) -> Vec<u8> {
    let hidden = format!("GET /smuggled/{seed} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let (length, host) = (hidden.len(), format!("Host: {HOST}\r\n"));
    match rng.u8(..10) {
        0 => format!("GET /f/{seed}?a=b HTTP/1.1\r\n{host}Accept: text/html\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"),
        1 => format!("POST /f/{seed} HTTP/1.1\r\n{host}Content-Length: {length}\r\n\r\n{hidden}"),
        2 => format!("POST /f/{seed} HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n"),
        3 => format!("POST /f/{seed} HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n{length:x}\r\n{hidden}\r\n0\r\nX-T: {seed}\r\n\r\n"),
        4 => format!("GET http://{HOST}/f/{seed} HTTP/1.1\r\n{host}Connection: keep-alive, X-A\r\nX-A: 1\r\n\r\n"),
        5 => format!("GET /f/{seed} HTTP/1.1\r\n{host}Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n{hidden}"),
        6 => format!("PUT /f/{seed} HTTP/1.1\r\n{host}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        7 => format!("POST /f/{seed} HTTP/1.0\r\n{host}Connection: keep-alive\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        8 => format!("POST /f/{seed} HTTP/1.1\r\n{host}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        _ => return http2(rng),
    }
    .into_bytes()
}

/// The preface, an empty SETTINGS, and frames of any kind.
fn http2(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for _ in 0..rng.usize(1..6) {
        let length = rng.usize(..40);
        bytes.extend([
            0,
            0,
            u8::try_from(length).unwrap_or(0),
            rng.u8(..12),
            rng.u8(..),
            0,
            0,
            0,
            rng.u8(..6),
        ]);
        bytes.extend((0..length).map(|_| rng.u8(..)));
    }
    bytes
}

/// Fields that readers have been known to read differently.
const FIELDS: &[&str] = &[
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 5, 5",
    "Content-Length: +5",
    "Content-Length: 05",
    "Content-Length: -1",
    "Content-Length: 18446744073709551616",
    "Content-Length:\t5",
    "Content-Length : 5",
    " Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: CHUNKED",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding:\u{b}chunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\r\n : chunked",
    "Transfer_Encoding: chunked",
    "X: y\r\n\r\n",
    "X: y\n\n",
    "Host: other.example",
    "Host: shop.example",
    "Host: shop.example@evil",
    "Host:",
    "Connection: close",
    "Connection: host, content-length, transfer-encoding",
    "Connection: upgrade, http2-settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    "Expect: 100-continue",
    "Expect: 200-ok",
    "TE: trailers, chunked",
    "Trailer: content-length",
    "X-Request-Id: 0123456789abcdef0123456789abcdef",
    "Forwarded: for=1.2.3.4",
    "Range: bytes=0-",
    "X: \0",
    "X: \r",
    ": empty",
    "\u{e4}: umlaut",
];

const BYTES: &[u8] = b"\r\n\0\t :;,/\"\\%#?@[]{}()\x0b\x0c\x7f\x80\xff019afAFxX+-";

fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = |rng: &mut Rng, bytes: &[u8]| rng.usize(..=bytes.len());
    match rng.u8(..14) {
        0 => {
            let at = at(rng, bytes);
            bytes.insert(at, BYTES[rng.usize(..BYTES.len())]);
        }
        1 => {
            if let Some(byte) = pick(rng, bytes) {
                bytes[byte] = BYTES[rng.usize(..BYTES.len())];
            }
        }
        2 => {
            if let Some(byte) = pick(rng, bytes) {
                bytes[byte] ^= 1 << rng.u8(..8);
            }
        }
        3 => {
            let from = at(rng, bytes);
            let to = (from + rng.usize(..12)).min(bytes.len());
            bytes.drain(from..to);
        }
        4 => {
            let from = at(rng, bytes);
            let to = (from + rng.usize(..60)).min(bytes.len());
            let piece = bytes[from..to].to_vec();
            let at = at(rng, bytes);
            bytes.splice(at..at, piece);
        }
        5 => bytes.truncate(rng.usize(..=bytes.len())),
        6..=9 => {
            // A field more, after any of the head's line ends.
            let ends: Vec<_> = bytes
                .windows(2)
                .enumerate()
                .filter(|(_, pair)| pair == b"\r\n")
                .map(|(at, _)| at + 2)
                .collect();
            if !ends.is_empty() {
                let at = ends[rng.usize(..ends.len().min(4))];
                let field = format!("{}\r\n", FIELDS[rng.usize(..FIELDS.len())]);
                bytes.splice(at..at, field.into_bytes());
            }
        }
        10 => {
            // One line end of another kind.
            if let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n" && rng.bool()) {
                let end: &[u8] =
                    [&b"\n"[..], b"\r", b"\n\r", b"\r\r\n", b"\r\n\r\n", b" \r\n"][rng.usize(..6)];
                bytes.splice(at..at + 2, end.to_vec());
            }
        }
        11 => {
            let at = at(rng, bytes);
            let many = vec![BYTES[rng.usize(..BYTES.len())]; rng.usize(..3_000)];
            bytes.splice(at..at, many);
        }
        12 => {
            // Another number somewhere.
            if let Some(at) = bytes.iter().position(|byte| byte.is_ascii_digit() && rng.u8(..4) == 0) {
                let number =
                    [&b"0"[..], b"1", b"ffffffff", b"7fffffffffffffff", b"00000000000000000005", b"1e1"]
                        [rng.usize(..6)];
                bytes.splice(at..=at, number.to_vec());
            }
        }
        _ => {
            let (from, to) = (at(rng, bytes), at(rng, bytes));
            bytes[from.min(to)..from.max(to)].reverse();
        }
    }
}

fn pick(rng: &mut Rng, bytes: &[u8]) -> Option<usize> {
    (!bytes.is_empty()).then(|| rng.usize(..bytes.len()))
}
