//! What an authority that checks a host's ownership is to find.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::sign::CertifiedKey;

use crate::routes::normal;

/// Open ACME challenges (RFC 8555 8.3, RFC 8737). Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Challenges(Arc<Inner>);

/// Rare on both sides: only handshakes that ask for `acme-tls/1`, and requests for the well-known path, look here.
#[derive(Debug, Default)]
struct Inner {
    http01: RwLock<HashMap<String, String>>,
    tls_alpn01: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

/// Challenges of the kind HTTP-01.
#[derive(Clone, Debug)]
pub struct Http01(Arc<Inner>);

/// Challenges of the kind TLS-ALPN-01.
#[derive(Clone, Debug)]
pub struct TlsAlpn01(Arc<Inner>);

impl Challenges {
    /// No challenges.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those answered under `/.well-known/acme-challenge/`, on every host, before any route or redirect.
    pub fn http01(&self) -> Http01 {
        Http01(Arc::clone(&self.0))
    }

    /// Those answered by a certificate when a client negotiates `acme-tls/1`.
    pub fn tls_alpn01(&self) -> TlsAlpn01 {
        TlsAlpn01(Arc::clone(&self.0))
    }
}

impl Http01 {
    /// What is answered for a token.
    pub fn set(&self, token: &str, key_authorization: &str) {
        write(&self.0.http01).insert(token.to_owned(), key_authorization.to_owned());
    }

    /// The token is known no more.
    pub fn remove(&self, token: &str) {
        write(&self.0.http01).remove(token);
    }

    pub(crate) fn get(&self, token: &str) -> Option<String> {
        self.0.http01.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

impl TlsAlpn01 {
    /// The certificate that proves control of a host.
    pub fn set(&self, host: &str, key: impl Into<Arc<CertifiedKey>>) {
        write(&self.0.tls_alpn01).insert(normal(host), key.into());
    }

    /// The host is challenged no more.
    pub fn remove(&self, host: &str) {
        write(&self.0.tls_alpn01).remove(&normal(host));
    }

    pub(crate) fn get(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.0.tls_alpn01.read().unwrap_or_else(PoisonError::into_inner).get(&normal(host)).cloned()
    }
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
