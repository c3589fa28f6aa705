//! Host names that requests are routed by.

use thiserror::Error;

use crate::text_type;

/// A fully qualified host name in lower case, without port and final dot (RFC 1123 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// Why a text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HostError {
    /// Nothing there.
    #[error("a host name cannot be empty")]
    Empty,
    /// A URL, a port or a path where only the host belongs.
    #[error("`{0}` is more than a host name; write the host alone, without scheme, port and path")]
    NotOnlyHost(String),
    /// A wildcard.
    #[error("`{0}` is a wildcard; list each host")]
    Wildcard(String),
    /// An address.
    #[error("`{0}` is an address; a host name is needed, since requests are routed by it")]
    Address(String),
    /// Over 253 characters, or a label over 63.
    #[error("`{0}` is too long; a host name has at most 253 characters, each part at most 63")]
    TooLong(String),
    /// A single label has no place in the public DNS.
    #[error("`{0}` has no dot; write the whole name, such as `{0}.example.com`")]
    SingleLabel(String),
    /// A character that DNS cannot carry, or a part that is empty or begins or ends with `-`.
    #[error("`{0}` is not a host name; parts are letters, digits and inner `-`, joined by single dots")]
    Malformed(String),
}

impl HostName {
    /// Parses a host name; upper case is lowered and a final dot dropped, as DNS ignores both.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let given = || text.to_owned();
        let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if host.is_empty() {
            return Err(HostError::Empty);
        }
        if host.contains(['/', ':', '?', '#', '@']) {
            return Err(HostError::NotOnlyHost(given()));
        }
        if host.contains('*') {
            return Err(HostError::Wildcard(given()));
        }
        if host.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(HostError::Address(given()));
        }
        if host.len() > 253 || host.split('.').any(|label| label.len() > 63) {
            return Err(HostError::TooLong(given()));
        }
        let fits = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !host.split('.').all(fits) {
            return Err(HostError::Malformed(given()));
        }
        if !host.contains('.') {
            return Err(HostError::SingleLabel(given()));
        }
        Ok(Self(host))
    }

    /// The host as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host with `www.` in front, or without it where it has it: the other side of a www redirect.
    #[must_use]
    pub fn www_counterpart(&self) -> Self {
        match self.0.strip_prefix("www.").filter(|rest| rest.contains('.')) {
            Some(bare) => Self(bare.to_owned()),
            None => Self(format!("www.{}", self.0)),
        }
    }
}

text_type!(HostName, HostError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_final_dot_do_not_matter() {
        assert_eq!(HostName::parse("Www.Example.COM.").unwrap().as_str(), "www.example.com");
    }

    #[test]
    fn what_is_not_a_host_is_refused_by_its_reason() {
        let reason = |text: &str| HostName::parse(text).unwrap_err();
        assert_eq!(reason(""), HostError::Empty);
        assert_eq!(reason("https://a.b"), HostError::NotOnlyHost("https://a.b".into()));
        assert_eq!(reason("*.a.b"), HostError::Wildcard("*.a.b".into()));
        assert_eq!(reason("10.0.0.1"), HostError::Address("10.0.0.1".into()));
        assert_eq!(reason("example"), HostError::SingleLabel("example".into()));
        assert_eq!(reason("a..b"), HostError::Malformed("a..b".into()));
        assert_eq!(reason("a_b.c"), HostError::Malformed("a_b.c".into()));
    }

    #[test]
    fn www_redirects_go_either_way() {
        let www = HostName::parse("www.mob.sh").unwrap();
        let bare = HostName::parse("mob.sh").unwrap();
        assert_eq!(www.www_counterpart(), bare);
        assert_eq!(bare.www_counterpart(), www);
    }
}
