//! Header fields: what ends at this hop, and what the backend is told about the client.

use bytes::Bytes;
use hyper::{
    HeaderMap, Version,
    header::{self, Entry, HeaderName, HeaderValue},
};
use smallvec::SmallVec;

use crate::client::Client;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request asks for in fields that end here.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The protocol that it wants to speak from now on.
    pub(crate) upgrade: Option<HeaderValue>,
    /// Whether it expects something that nobody here knows.
    pub(crate) expects_unknown: bool,
}

/// Fields that belong to one connection whether or not `Connection` names them (RFC 9110 7.6.1).
fn ends_here(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::EXPECT
            | header::CONTENT_LENGTH
            | header::PROXY_AUTHORIZATION
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// Fields by which proxies tell backends about clients: from strangers they are lies.
///
/// Also with underlines: to an app behind CGI's successors, `X_Real_IP` and `X-Real-IP` are one variable.
fn tells_of_client(name: &HeaderName) -> bool {
    let tells = |name: &str| {
        name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-real-ip" | "x-request-id")
    };
    let name = name.as_str();
    tells(name) || (name.contains('_') && tells(&name.replace('_', "-")))
}

/// Makes a client's fields those of a request to a backend. `Content-Length` goes too: the body's framing is written
/// by whoever sends it.
pub(crate) fn request(headers: &mut HeaderMap, version: Version) -> Asked {
    let mut asked = Asked::default();
    let mut gone = SmallVec::<[HeaderName; 8]>::new();
    let mut has_crumbs = false;
    for name in headers.keys() {
        if ends_here(name) {
            gone.push(name.clone());
        }
        has_crumbs |= *name == header::COOKIE && version == Version::HTTP_2;
    }
    if has_crumbs {
        join_cookies(headers);
    }
    if gone.contains(&header::UPGRADE) {
        asked.upgrade = upgrade(headers, version);
    }
    if gone.contains(&header::EXPECT) {
        asked.expects_unknown = !has_token(headers, &header::EXPECT, "100-continue");
    }
    let wants_trailers = gone.contains(&header::TE) && has_token(headers, &header::TE, "trailers");
    if gone.contains(&header::CONNECTION) {
        gone.extend(named(headers, |name| *name != header::HOST));
    }
    for name in gone {
        headers.remove(name);
    }
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    asked
}

/// Makes a backend's fields those of an answer to a client.
pub(crate) fn response(headers: &mut HeaderMap) {
    let mut gone = SmallVec::<[HeaderName; 4]>::new();
    for name in headers.keys() {
        if ends_here(name) && *name != header::CONTENT_LENGTH {
            gone.push(name.clone());
        }
    }
    if gone.contains(&header::CONNECTION) {
        gone.extend(named(headers, |name| *name != header::CONTENT_LENGTH));
    }
    for name in gone {
        headers.remove(name);
    }
}

/// Tells the backend about the client, and gives the request an id; returns the id.
///
/// A trusted peer's word is added to; anybody else's is replaced.
pub(crate) fn tell(headers: &mut HeaderMap, client: &Client, host: &HeaderValue) -> HeaderValue {
    let proto = HeaderValue::from_static(if client.is_tls { "https" } else { "http" });
    if client.is_trusted {
        append(headers, X_FORWARDED_FOR, &client.address_value);
        headers.entry(X_FORWARDED_PROTO).or_insert(proto);
        headers.entry(X_FORWARDED_HOST).or_insert_with(|| host.clone());
        if headers.contains_key(header::FORWARDED) {
            append(headers, header::FORWARDED, &forwarded(client));
        }
        if let Some(id) = headers.get(X_REQUEST_ID).filter(|id| id.len() <= 128) {
            return id.clone();
        }
    } else {
        let told = headers.keys().filter(|name| tells_of_client(name)).cloned();
        for name in told.collect::<SmallVec<[HeaderName; 8]>>() {
            headers.remove(name);
        }
        headers.insert(X_FORWARDED_FOR, client.address_value.clone());
        headers.insert(X_FORWARDED_PROTO, proto);
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
    let id = request_id();
    headers.insert(X_REQUEST_ID, id.clone());
    id
}

/// Whether a trusted peer says that its client came over HTTPS.
pub(crate) fn says_https(headers: &HeaderMap) -> bool {
    headers.get(X_FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// 128 random bits. They tell requests apart and guard nothing.
fn request_id() -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let random = fastrand::u128(..).to_be_bytes();
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(random) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&digits))
        .unwrap_or_else(|_| HeaderValue::from_static("none"))
}

/// One element of `Forwarded` (RFC 7239).
fn forwarded(client: &Client) -> HeaderValue {
    let address = match client.address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    let proto = if client.is_tls { "https" } else { "http" };
    HeaderValue::try_from(format!("for={address};proto={proto}"))
        .unwrap_or_else(|_| HeaderValue::from_static("for=unknown"))
}

/// Adds an element to a list, in one field.
fn append(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value.clone());
        }
        Entry::Occupied(mut entry) => {
            let all =
                entry.iter().chain([value]).map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
            // Values joined by a comma are a value.
            if let Ok(all) = HeaderValue::from_maybe_shared(Bytes::from(all)) {
                entry.insert(all);
            }
        }
    }
}

/// HTTP/2 may send a cookie in pieces; HTTP/1.1 may not (RFC 9113 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) else { return };
    let all = [first, second].into_iter().chain(crumbs).map(HeaderValue::as_bytes).collect::<Vec<_>>();
    if let Ok(cookie) = HeaderValue::from_maybe_shared(Bytes::from(all.join(&b"; "[..]))) {
        headers.insert(header::COOKIE, cookie);
    }
}

/// The protocol of an upgrade that is one: asked for in HTTP/1.1, named by `Connection`, and not HTTP/2 over HTTP/1.1,
/// by which clients would get past everything that is checked here.
fn upgrade(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let value = headers.get(header::UPGRADE)?;
    let is_one = version == Version::HTTP_11
        && has_token(headers, &header::CONNECTION, "upgrade")
        && !value.as_bytes().to_ascii_lowercase().starts_with(b"h2");
    is_one.then(|| value.clone())
}

/// The fields that `Connection` names, as far as they may be named.
fn named(headers: &HeaderMap, may_be: impl Fn(&HeaderName) -> bool) -> SmallVec<[HeaderName; 4]> {
    tokens(headers, &header::CONNECTION)
        .filter(|token| !token.eq_ignore_ascii_case(b"keep-alive") && !token.eq_ignore_ascii_case(b"close"))
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .filter(may_be)
        .collect()
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|it| it.eq_ignore_ascii_case(token.as_bytes()))
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
}
