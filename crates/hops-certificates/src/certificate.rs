//! A certificate with its key: read from PEM, checked, and told apart by what stands in it.

use std::{fmt, sync::Arc};

use instant_acme::CertificateIdentifier;
use jiff::Timestamp;
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use thiserror::Error;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// A certificate with its chain and its private key, which fit each other.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    /// The names it is for, in lower case; one may begin with `*.`.
    pub(crate) names: Vec<String>,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// Why there is no certificate in a text.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The chain is no PEM.
    #[error("the certificate is not readable PEM")]
    Chain(#[source] rustls::pki_types::pem::Error),
    /// No certificate in it.
    #[error("there is no certificate in the file")]
    Empty,
    /// The key is no PEM, or of an unknown kind.
    #[error("the private key is not readable PEM (PKCS#8, PKCS#1 or SEC1)")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// One for another.
    #[error("certificate and private key do not belong to each other, or cannot be used")]
    Pair(#[source] rustls::Error),
    /// Not X.509.
    #[error("the certificate is not readable X.509: {0}")]
    X509(String),
    /// Nothing to be found by.
    #[error("the certificate names no host in its subject alternative names")]
    NoName,
}

impl Certificate {
    /// Reads both parts.
    pub(crate) fn parse(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(CertificateError::Chain)?;
        let leaf = chain.first().ok_or(CertificateError::Empty)?.clone();
        let (names, from, until) = read(&leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::Key)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(CertificateError::Pair)?;
        Ok(Self { key: Arc::new(key), names, from, until })
    }

    /// The name that renewal information is asked by; none where the authority left its own key's name out.
    pub(crate) fn identifier(&self) -> Option<CertificateIdentifier<'static>> {
        let leaf = self.key.cert.first()?;
        CertificateIdentifier::try_from(leaf).ok().map(CertificateIdentifier::into_owned)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("names", &self.names)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

fn read(leaf: &CertificateDer<'_>) -> Result<(Vec<String>, Timestamp, Timestamp), CertificateError> {
    let broken = |error: &dyn fmt::Display| CertificateError::X509(error.to_string());
    let (_, leaf) = parse_x509_certificate(leaf).map_err(|error| broken(&error))?;
    let instant = |time: x509_parser::time::ASN1Time| {
        Timestamp::from_second(time.timestamp()).map_err(|error| broken(&error))
    };
    let alternatives = leaf.subject_alternative_name().map_err(|error| broken(&error))?;
    let names: Vec<String> = alternatives
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        return Err(CertificateError::NoName);
    }
    Ok((names, instant(leaf.validity.not_before)?, instant(leaf.validity.not_after)?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A chain and a key of our own making.
    pub(crate) fn made(names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn names_and_times_are_those_of_the_certificate() {
        let (chain, key) = made(&["Shop.example.com", "*.example.com"]);
        let certificate = Certificate::parse(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(certificate.names, ["shop.example.com", "*.example.com"]);
        assert!(certificate.from < certificate.until);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (chain, _) = made(&["a.example.com"]);
        let (_, key) = made(&["a.example.com"]);
        let error = Certificate::parse(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(error, CertificateError::Pair(_)), "{error:?}");
    }

    #[test]
    fn files_in_the_wrong_place_are_told_apart() {
        let (chain, key) = made(&["a.example.com"]);
        let swapped = Certificate::parse(key.as_bytes(), chain.as_bytes()).unwrap_err();
        assert!(matches!(swapped, CertificateError::Empty), "{swapped:?}");
        let no_key = Certificate::parse(chain.as_bytes(), chain.as_bytes()).unwrap_err();
        assert!(matches!(no_key, CertificateError::Key(_)), "{no_key:?}");
        let no_name = made(&[]);
        let no_name = Certificate::parse(no_name.0.as_bytes(), no_name.1.as_bytes()).unwrap_err();
        assert!(matches!(no_name, CertificateError::NoName), "{no_name:?}");
    }

    #[test]
    fn a_key_does_not_show_in_what_is_printed() {
        let (chain, key) = made(&["a.example.com"]);
        let certificate = Certificate::parse(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(!format!("{certificate:?}").contains("key"));
    }
}
