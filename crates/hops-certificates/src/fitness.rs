//! Which hosts can have a certificate at all. An order for another costs the authority's patience and fails.

use std::net::IpAddr;

use serde::Serialize;
use thiserror::Error;

use crate::settings::Directory;

/// Domains that belong to nobody (RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, and ICANN's `internal`).
const RESERVED: [&str; 9] =
    ["alt", "example", "home.arpa", "internal", "invalid", "lan", "local", "onion", "test"];

/// Why a host gets no certificate by ACME.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfit {
    /// An address.
    #[error("an IP address gets no certificate")]
    Address,
    /// Every machine's own name.
    #[error("a name of this machine alone gets no certificate")]
    Localhost,
    /// Not a host name.
    #[error("this is no host name")]
    Malformed,
    /// Needs a challenge in the DNS, which is not ours.
    #[error("a wildcard's certificate has to come from files")]
    Wildcard,
    /// Not below a domain.
    #[error("a name without a domain gets no certificate from a public authority")]
    SingleLabel,
    /// Below a domain that belongs to nobody.
    #[error("names below `{0}` get no certificate from a public authority")]
    Reserved(&'static str),
}

/// Whether an authority could sign this host, as far as the name tells.
pub(crate) fn check(host: &str, directory: &Directory) -> Result<(), Unfit> {
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err(Unfit::Address);
    }
    if is_below(host, "localhost") {
        return Err(Unfit::Localhost);
    }
    if host.starts_with("*.") {
        return Err(Unfit::Wildcard);
    }
    if host.is_empty() || host.starts_with('.') || !host.bytes().all(is_of_a_name) {
        return Err(Unfit::Malformed);
    }
    // An authority of one's own may well sign names of one's own network.
    if !directory.is_public() {
        return Ok(());
    }
    if !host.contains('.') {
        return Err(Unfit::SingleLabel);
    }
    match RESERVED.iter().find(|domain| is_below(host, domain)) {
        Some(domain) => Err(Unfit::Reserved(domain)),
        None => Ok(()),
    }
}

/// Names are file names, too: nothing else may pass.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_".contains(&byte)
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(host: &str) -> Result<(), Unfit> {
        check(host, &Directory::default())
    }

    fn own(host: &str) -> Result<(), Unfit> {
        check(host, &Directory::parse("https://ca.example.com/dir").unwrap())
    }

    #[test]
    fn a_public_name_is_fit() {
        assert_eq!(public("shop.example.com"), Ok(()));
        assert_eq!(public("contest.com"), Ok(()), "`test` is a domain, not an ending");
    }

    #[test]
    fn what_no_authority_signs_is_unfit_everywhere() {
        for check in [public, own] {
            assert_eq!(check("127.0.0.1"), Err(Unfit::Address));
            assert_eq!(check("[::1]"), Err(Unfit::Address));
            assert_eq!(check("localhost"), Err(Unfit::Localhost));
            assert_eq!(check("shop.prod.localhost"), Err(Unfit::Localhost));
            assert_eq!(check("*.example.com"), Err(Unfit::Wildcard));
            assert_eq!(check("../account"), Err(Unfit::Malformed));
            assert_eq!(check(".new-shop"), Err(Unfit::Malformed));
            assert_eq!(check(""), Err(Unfit::Malformed));
        }
    }

    #[test]
    fn names_of_a_network_are_for_an_authority_of_that_network() {
        assert_eq!(public("shop"), Err(Unfit::SingleLabel));
        assert_eq!(public("shop.internal"), Err(Unfit::Reserved("internal")));
        assert_eq!(public("shop.home.arpa"), Err(Unfit::Reserved("home.arpa")));
        assert_eq!(own("shop"), Ok(()));
        assert_eq!(own("shop.internal"), Ok(()));
    }
}
