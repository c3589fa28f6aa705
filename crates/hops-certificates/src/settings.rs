//! What an operator decides about certificates: a part of the server's configuration file.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where certificates come from. With nothing set there are none, and hosts are served by plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whom the certificate authority may write to. Nothing is ordered without it: it stands for the agreement to the
    /// authority's terms, which is the operator's to give.
    pub email: Option<Email>,
    /// The ACME directory of the certificate authority.
    pub directory: Directory,
    /// A root certificate (PEM) to trust that authority's own server by, instead of the system's roots.
    pub ca_file: Option<PathBuf>,
    /// How a host is shown to be ours.
    pub challenge: ChallengeKind,
    /// An account at the authority that exists already, which some ask for.
    pub external_account: Option<ExternalAccount>,
    /// Whether a host has to resolve on this machine before a certificate is ordered for it. It spares the authority's
    /// limits; turn it off where this machine does not see the names that the world sees.
    pub check_resolves: bool,
    /// Certificates from files, for the names that stand in them; these go before any that would be ordered.
    pub files: Vec<CertificateFiles>,
}

/// A certificate somebody else keeps. Read again when it changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The certificate, followed by those between it and the root (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// An account at the authority that exists already (RFC 8555, 7.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalAccount {
    /// Its name at the authority.
    pub key_id: String,
    /// A file with its secret, base64url as the authority shows it.
    pub key_file: PathBuf,
}

/// How a host is shown to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChallengeKind {
    /// By a file below `/.well-known`, fetched from port 80.
    #[serde(rename = "http-01")]
    Http01,
    /// By a certificate of its own, fetched from port 443. For machines whose port 80 is closed.
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

/// An address to write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The URL of an ACME directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Directory(String);

/// Why a setting cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No address.
    #[error("`{0}` is no email address; write one such as `ops@example.com`")]
    Email(String),
    /// No URL that ACME could be spoken at.
    #[error("`{0}` is no ACME directory; write its URL, which begins with `https://`")]
    Directory(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            email: None,
            directory: Directory::default(),
            ca_file: None,
            challenge: ChallengeKind::Http01,
            external_account: None,
            check_resolves: true,
            files: Vec::new(),
        }
    }
}

impl Email {
    /// An address with something before and after its `@`; more only a letter can tell.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        match text.split_once('@') {
            Some((name, host)) if !name.is_empty() && !host.is_empty() && is_one_word(text) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(SettingsError::Email(text.to_owned())),
        }
    }

    /// As ACME wants a contact.
    pub(crate) fn contact(&self) -> String {
        format!("mailto:{}", self.0)
    }
}

impl Directory {
    /// A URL with TLS: an account's whole authority rests on the server being the right one.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        match text.strip_prefix("https://") {
            Some(rest) if !rest.is_empty() && !rest.starts_with('/') && is_one_word(text) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(SettingsError::Directory(text.to_owned())),
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the authority is one that signs public names only.
    pub(crate) fn is_public(&self) -> bool {
        const LETS_ENCRYPT: &str = ".api.letsencrypt.org/";
        self.0.contains(LETS_ENCRYPT)
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self(instant_acme::LetsEncrypt::Production.url().to_owned())
    }
}

fn is_one_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl FromStr for $name {
            type Err = SettingsError;

            fn from_str(text: &str) -> Result<Self, SettingsError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = SettingsError;

            fn try_from(text: String) -> Result<Self, SettingsError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

as_text!(Directory, Email);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_part_of_the_file_is_the_defaults() {
        let settings: Settings = toml::from_str("").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.directory.as_str(), "https://acme-v02.api.letsencrypt.org/directory");
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            email = "ops@example.com"
            directory = "https://ca.example.com/acme"
            ca_file = "/etc/ca.pem"
            challenge = "tls-alpn-01"
            check_resolves = false
            external_account = { key_id = "7", key_file = "/etc/account.key" }
            files = [{ certificate = "/etc/a.pem", key = "/etc/a.key" }]
        "#;
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!(settings.challenge, ChallengeKind::TlsAlpn01);
        let again: Settings = toml::from_str(&toml::to_string(&settings).unwrap()).unwrap();
        assert_eq!(again, settings);
    }

    #[test]
    fn what_is_mistaken_is_refused_with_what_would_be_right() {
        let refused = |text: &str| toml::from_str::<Settings>(text).unwrap_err().to_string();
        assert!(refused("email = \"ops\"").contains("`ops` is no email address"));
        assert!(refused("directory = \"http://ca\"").contains("begins with `https://`"));
        assert!(refused("chalenge = \"http-01\"").contains("unknown field `chalenge`"));
        assert!(refused("challenge = \"dns-01\"").contains("`http-01`"));
    }
}
