//! The heads of HTTP/1.1 messages: requests written, answers read.

use bytes::BytesMut;
use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{self, HeaderName, HeaderValue},
};

/// An answer's head may have so many bytes, and so many fields.
const BYTES: usize = 64 * 1024;
const FIELDS: usize = 128;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// By its length.
    Length(u64),
    /// By chunks.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

/// An answer's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) framing: Framing,
    /// Whether the backend keeps the connection open after this answer.
    pub(crate) keeps_open: bool,
}

/// Writes a request's head. `headers` hold neither `Content-Length` nor `Transfer-Encoding`: those are `framing`.
pub(crate) fn write(outbox: &mut Vec<u8>, method: &Method, uri: &Uri, headers: &HeaderMap, framing: Framing) {
    outbox.clear();
    outbox.reserve(512);
    outbox.extend_from_slice(method.as_str().as_bytes());
    outbox.push(b' ');
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if !target.starts_with(['/', '*']) {
        // `http://host?query` has an empty path.
        outbox.push(b'/');
    }
    outbox.extend_from_slice(target.as_bytes());
    outbox.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in headers {
        field(outbox, name.as_str().as_bytes(), value.as_bytes());
    }
    match framing {
        Framing::Length(length) => {
            let mut digits = itoa::Buffer::new();
            field(outbox, b"content-length", digits.format(length).as_bytes());
        }
        Framing::Chunked => field(outbox, b"transfer-encoding", b"chunked"),
        Framing::None | Framing::UntilClose => {}
    }
    outbox.extend_from_slice(b"\r\n");
}

/// Writes one field.
pub(crate) fn field(outbox: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    outbox.extend_from_slice(name);
    outbox.extend_from_slice(b": ");
    outbox.extend_from_slice(value);
    outbox.extend_from_slice(b"\r\n");
}

/// Reads an answer's head; `None` when more must be read first.
pub(crate) fn read(inbox: &mut BytesMut, method: &Method) -> Result<Option<Head>, &'static str> {
    if inbox.is_empty() {
        return Ok(None);
    }
    let mut fields = [const { std::mem::MaybeUninit::uninit() }; FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut parsed, inbox, &mut fields) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if inbox.len() >= BYTES => return Err("head too large"),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("too many header fields"),
        Err(_) => return Err("malformed head"),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or("malformed status")?;
    let is_http11 = parsed.version == Some(1);

    // Values are kept as slices of what was read: ranges first, as the buffer cannot be split while it is borrowed.
    let start = inbox.as_ptr() as usize;
    let mut ranges = smallvec::SmallVec::<[(HeaderName, usize, usize); 16]>::new();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| "malformed field name")?;
        let from = field.value.as_ptr() as usize;
        // An empty value may point anywhere.
        let from = if field.value.is_empty() { 0 } else { from - start };
        ranges.push((name, from, from + field.value.len()));
    }
    let bytes = inbox.split_to(length).freeze();
    let mut headers = HeaderMap::with_capacity(ranges.len());
    for (name, from, to) in ranges {
        let value =
            HeaderValue::from_maybe_shared(bytes.slice(from..to)).map_err(|_| "malformed field value")?;
        headers.append(name, value);
    }

    let (framing, is_certain) = framing(method, status, &mut headers, is_http11)?;
    let keeps_open = is_certain && framing != Framing::UntilClose && stays(&headers, is_http11);
    Ok(Some(Head { status, headers, framing, keeps_open }))
}

/// How the body of an answer is delimited (RFC 9112 6.3), and whether that is beyond doubt.
///
/// Leaves in `headers` at most one `Content-Length`, and no `Transfer-Encoding`.
fn framing(
    method: &Method,
    status: StatusCode,
    headers: &mut HeaderMap,
    is_http11: bool,
) -> Result<(Framing, bool), &'static str> {
    let length = content_length(headers)?;
    let has_no_body =
        *method == Method::HEAD || status.is_informational() || matches!(status.as_u16(), 204 | 304);
    let coding = match headers.remove(header::TRANSFER_ENCODING) {
        None => None,
        Some(_) if !is_http11 => return Err("transfer coding in an answer of HTTP/1.0"),
        Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Some(Framing::Chunked),
        Some(_) => return Err("transfer coding other than chunked"),
    };
    if coding.is_some() && length.is_some() {
        headers.remove(header::CONTENT_LENGTH);
    }
    Ok(match (has_no_body, coding, length) {
        (true, _, _) => (Framing::None, true),
        (false, Some(coding), length) => (coding, length.is_none()),
        (false, None, Some(length)) => (Framing::Length(length), true),
        (false, None, None) => (Framing::UntilClose, true),
    })
}

fn content_length(headers: &mut HeaderMap) -> Result<Option<u64>, &'static str> {
    let mut length = None;
    let mut count = 0;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let value = text.and_then(|text| text.parse::<u64>().ok()).ok_or("malformed content length")?;
        if length.is_some_and(|length| length != value) {
            return Err("two content lengths");
        }
        length = Some(value);
        count += 1;
    }
    if let (Some(length), true) = (length, count > 1) {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(length)
}

fn stays(headers: &HeaderMap, is_http11: bool) -> bool {
    let has = |token: &str| {
        headers.get_all(header::CONNECTION).iter().any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .any(|it| it.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
        })
    };
    if is_http11 { !has("close") } else { has("keep-alive") && !has("close") }
}

#[cfg(test)]
mod tests;
