//! TLS: which certificate, which protocol.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{certificates::Certificates, challenges::Challenges, worker::Worker};

/// The protocol of the challenge TLS-ALPN-01 (RFC 8737 4).
const ACME: &[u8] = b"acme-tls/1";

/// Finds the certificate for a handshake.
#[derive(Debug)]
struct Resolver {
    certificates: Certificates,
    challenges: Challenges,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?;
        // A client that speaks `acme-tls/1` speaks nothing else.
        if hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME)) {
            return self.challenges.tls_alpn01().get(name);
        }
        // rustls gives names in lower case, without the root.
        self.certificates.get(name)
    }
}

/// The configuration of all HTTPS listeners.
pub(crate) fn configure(
    certificates: Certificates,
    challenges: Challenges,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Resolver { certificates, challenges }));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ACME.to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Shakes hands; `None` when that failed, took too long, or was all that the client wanted.
pub(crate) async fn accept(
    worker: &Worker,
    tls: &TlsAcceptor,
    socket: TcpStream,
) -> Option<TlsStream<TcpStream>> {
    let deadline = worker.clock.deadline();
    deadline.set(worker.settings.timeouts.handshake);
    match deadline.limit(tls.accept(socket)).await? {
        Err(error) => {
            // Scanners and clients without SNI: nothing that anybody here can do anything about.
            tracing::debug!(error = &error as &dyn std::error::Error, "no TLS handshake");
            None
        }
        Ok(mut stream) if stream.get_ref().1.alpn_protocol() == Some(ACME) => {
            // The certificate was the answer.
            let _ = deadline.limit(stream.shutdown()).await;
            None
        }
        Ok(stream) => Some(stream),
    }
}
