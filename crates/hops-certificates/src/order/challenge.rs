//! Answers to challenges, at the proxy for as long as they are needed.

use std::sync::Arc;

use hops_proxy::Challenges;
use instant_acme::{ChallengeHandle, ChallengeType};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::{crypto::aws_lc_rs, pki_types::PrivateKeyDer, sign::CertifiedKey};
use thiserror::Error;

use crate::settings::ChallengeKind;

/// An answer at the proxy; taken away when dropped.
pub(crate) struct Published {
    challenges: Challenges,
    what: What,
}

enum What {
    Token(String),
    Host(String),
}

/// Why an answer could not be made.
#[derive(Debug, Error)]
pub(crate) enum PublishError {
    /// A host that no certificate can name.
    #[error("cannot make the certificate that answers")]
    Make(#[from] rcgen::Error),
    /// Made, and not to be used.
    #[error("cannot use the certificate that answers")]
    Use(#[from] rustls::Error),
}

/// The kind as ACME has it, and as it is written.
pub(super) fn kind(kind: ChallengeKind) -> (ChallengeType, &'static str) {
    match kind {
        ChallengeKind::Http01 => (ChallengeType::Http01, "http-01"),
        ChallengeKind::TlsAlpn01 => (ChallengeType::TlsAlpn01, "tls-alpn-01"),
    }
}

impl Published {
    pub(super) fn new(
        challenges: &Challenges,
        kind: ChallengeKind,
        host: &str,
        challenge: &ChallengeHandle<'_>,
    ) -> Result<Self, PublishError> {
        let authorization = challenge.key_authorization();
        let what = match kind {
            ChallengeKind::Http01 => {
                challenges.http01().set(&challenge.token, authorization.as_str());
                What::Token(challenge.token.clone())
            }
            ChallengeKind::TlsAlpn01 => {
                challenges.tls_alpn01().set(host, answer(host, authorization.digest().as_ref())?);
                What::Host(host.to_owned())
            }
        };
        Ok(Self { challenges: challenges.clone(), what })
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        match &self.what {
            What::Token(token) => self.challenges.http01().remove(token),
            What::Host(host) => self.challenges.tls_alpn01().remove(host),
        }
    }
}

/// A certificate that says nothing but the answer (RFC 8737, 3).
fn answer(host: &str, digest: &[u8]) -> Result<Arc<CertifiedKey>, PublishError> {
    let mut parameters = CertificateParams::new([host.to_owned()])?;
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    let key = aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
    // Not `CertifiedKey::from_der`: its check refuses the answer's critical extension, which is the point of it.
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
}
