//! Values that must not be seen: build secrets, and logins for registries.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use zeroize::Zeroizing;

/// Bytes that are wiped from memory when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes over the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes, for whoever hands them on to where they belong.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// A name and password for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account; empty for a bare token.
    pub username: String,
    /// Its password or token. Must be UTF-8: that is what the protocol carries.
    pub password: SecretValue,
}

/// Logins by registry, looked up when the daemon meets a registry that asks for one.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The login for a registry, `None` to go without. `host` is as in an image's name (`ghcr.io`,
    /// `127.0.0.1:5000`), and `docker.io` for Docker Hub under any of its names.
    async fn login(&self, host: &str) -> Option<Login>;
}

#[async_trait]
impl Credentials for BTreeMap<String, Login> {
    async fn login(&self, host: &str) -> Option<Login> {
        self.get(host).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let login = Login { username: "ann".into(), password: SecretValue::new("hunter2") };
        assert_eq!(format!("{login:?}"), r#"Login { username: "ann", password: SecretValue(…) }"#);
    }
}
