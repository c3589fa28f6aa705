//! Certificates by the name that a client asks for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use rustls::sign::CertifiedKey;

use crate::routes::normal;

/// All certificates. Cheap to clone; every clone is the same store.
///
/// Looked up by exact name, then by the wildcard of its parent (`*.example.com` for `www.example.com`).
#[derive(Clone, Debug, Default)]
pub struct Certificates(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    keys: ArcSwap<HashMap<Box<str>, Arc<CertifiedKey>>>,
    writer: Mutex<()>,
}

impl Certificates {
    /// No certificates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces the certificate of a host, or of a wildcard (`*.example.com`). For the next handshake.
    pub fn set(&self, host: &str, key: impl Into<Arc<CertifiedKey>>) {
        self.update(|keys| keys.insert(stored(host).into(), key.into()));
    }

    /// Takes the certificate of a host, or of a wildcard, away.
    pub fn remove(&self, host: &str) {
        self.update(|keys| keys.remove(stored(host).as_str()));
    }

    /// Whether a client that asks for the host gets a certificate, its own or a wildcard's.
    pub fn has(&self, host: &str) -> bool {
        self.has_normal(&normal(host))
    }

    /// [`Self::has`] for a host in its normal form.
    pub(crate) fn has_normal(&self, host: &str) -> bool {
        self.get(host).is_some()
    }

    /// The certificate for a host in its normal form.
    pub(crate) fn get(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let keys = self.0.keys.load();
        if let Some(key) = keys.get(host) {
            return Some(Arc::clone(key));
        }
        // A wildcard is kept as `.example.com`: a part of the name that is looked for, no text to be made.
        keys.get(&host[host.find('.')?..]).cloned()
    }

    fn update<T>(&self, change: impl FnOnce(&mut HashMap<Box<str>, Arc<CertifiedKey>>) -> T) {
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = HashMap::clone(&self.0.keys.load());
        change(&mut keys);
        self.0.keys.store(Arc::new(keys));
    }
}

/// How a host is kept: `*.example.com` as `.example.com`.
fn stored(host: &str) -> String {
    normal(host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Arc<CertifiedKey> {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let private = provider.key_provider.load_private_key(made.signing_key.into()).unwrap();
        Arc::new(CertifiedKey::new(vec![made.cert.into()], private))
    }

    #[test]
    fn exact_before_wildcard_and_a_wildcard_is_one_label() {
        let certificates = Certificates::new();
        let (exact, wildcard) = (key("a.example.com"), key("*.example.com"));
        certificates.set("A.example.com", Arc::clone(&exact));
        certificates.set("*.example.com", Arc::clone(&wildcard));
        let is = |host, key: &_| certificates.get(host).is_some_and(|found| Arc::ptr_eq(&found, key));
        assert!(is("a.example.com", &exact));
        assert!(is("b.example.com", &wildcard));
        assert!(!certificates.has("example.com") && !certificates.has("x.b.example.com"));
        certificates.remove("a.example.com");
        assert!(is("a.example.com", &wildcard));
    }
}
