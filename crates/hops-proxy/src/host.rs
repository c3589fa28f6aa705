//! Which host a request is for.

use std::borrow::Cow;

use hyper::{
    Request, Version,
    header::{self, HeaderValue},
};

/// A request for no host that could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoHost;

/// Finds the host of a request, and leaves it as its one `Host` field.
///
/// In HTTP/1.1 exactly one `Host` is required (RFC 9112 3.2); a target in absolute form wins over it. In HTTP/2 a
/// `Host` that differs from `:authority` is refused (RFC 9113 8.3.1).
pub(crate) fn settle<B>(request: &mut Request<B>) -> Result<HeaderValue, NoHost> {
    let mut fields = request.headers().get_all(header::HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(NoHost);
    }
    let Some(authority) = request.uri().authority() else {
        return field.cloned().ok_or(NoHost);
    };
    match (request.version(), field) {
        (Version::HTTP_11, None) => return Err(NoHost),
        (Version::HTTP_2, Some(field))
            if !field.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            return Err(NoHost);
        }
        _ => {}
    }
    let value = HeaderValue::from_str(authority.as_str()).map_err(|_| NoHost)?;
    request.headers_mut().insert(header::HOST, value.clone());
    Ok(value)
}

/// The name in a `Host` field: without port and root, in lower case.
pub(crate) fn name(value: &HeaderValue) -> Result<Cow<'_, str>, NoHost> {
    let text = value.to_str().map_err(|_| NoHost)?;
    let (name, port) = divide(text);
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()));
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_literal =
        name.starts_with('[') && name.bytes().all(|b| b.is_ascii_hexdigit() || b"[]:.".contains(&b));
    if !is_port || name.is_empty() || name.len() > 253 || !(is_literal || name.bytes().all(is_name)) {
        return Err(NoHost);
    }
    let is_normal = !name.bytes().any(|byte| byte.is_ascii_uppercase());
    Ok(if is_normal { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) })
}

/// The port in a `Host` field whose [`name`] is one.
pub(crate) fn port(value: &HeaderValue) -> Option<&str> {
    divide(value.to_str().ok()?).1.strip_prefix(':').filter(|port| !port.is_empty())
}

/// Name, and port with its colon.
fn divide(text: &str) -> (&str, &str) {
    match text.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => text.split_at(end + 2),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    }
}

/// `www.` before a name, or off it.
pub(crate) fn sibling(name: &str) -> String {
    name.strip_prefix("www.").map_or_else(|| format!("www.{name}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, expected: Option<&str>) {
        let value = HeaderValue::from_str(host).unwrap();
        assert_eq!(name(&value).ok().as_deref(), expected, "{host}");
    }

    #[test]
    fn names() {
        check("a.example", Some("a.example"));
        check("A.Example:8080", Some("a.example"));
        check("a.example.:80", Some("a.example"));
        check("127.0.0.1:80", Some("127.0.0.1"));
        check("[::1]:80", Some("[::1]"));
        check("", None);
        check(":80", None);
        check("a.example:8o", None);
        check("a:80:90", None);
        check("user@a.example", None);
        check("a.example/path", None);
        check("a b", None);
        check("[::1", None);
        check("[::1]x", None);
        check("a,b", None);
        check("[evil.example]", None);
    }

    #[test]
    fn siblings() {
        assert_eq!(sibling("www.a.example"), "a.example");
        assert_eq!(sibling("a.example"), "www.a.example");
    }
}
