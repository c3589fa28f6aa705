//! TLS: certificates by name, protocols, challenges.

use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::{Request, Version, body::Bytes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::{Backend, HOST, Wire, World, certificate, ok};

/// Shakes hands for `name`, trusting only `trusted`.
async fn connect(
    world: &World,
    name: &'static str,
    trusted: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let socket = TcpStream::connect(world.proxy.https_address().unwrap()).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), socket).await
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_found_by_name_and_replaced_at_once() {
    let backend = Backend::new(|seen| ok(seen.get("x-forwarded-proto").unwrap())).await;
    let world = World::new(&[&backend]);
    let (key, trusted) = certificate(HOST);
    assert!(connect(&world, HOST, &trusted, &[]).await.is_err(), "no certificate yet");
    world.certificates.set(HOST, key);
    let mut wire = Wire::new(connect(&world, HOST, &trusted, &[]).await.unwrap());
    for _ in 0..2 {
        wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.text(), "https");
    }
    assert!(connect(&world, "other.example", &trusted, &[]).await.is_err());
    let (renewed, newly_trusted) = certificate(HOST);
    world.certificates.set(HOST, renewed);
    assert!(connect(&world, HOST, &trusted, &[]).await.is_err());
    assert!(connect(&world, HOST, &newly_trusted, &[]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_negotiated_and_its_requests_reach_backends_of_http1() {
    let backend = Backend::new(|seen| {
        ok(&format!("{} {:?} {:?}", seen.line, seen.get("host").unwrap(), seen.get("cookie").unwrap()))
    })
    .await;
    let world = World::new(&[&backend]);
    let (key, trusted) = certificate(HOST);
    world.certificates.set(HOST, key);
    let stream = connect(&world, HOST, &trusted, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let requests = (0..50).map(|index| {
        let request = Request::get(format!("https://{HOST}/{index}"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = sender.send_request(request);
        async move {
            let response = response.await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("GET /{index} HTTP/1.1 {HOST:?} \"a=1; b=2\""));
        }
    });
    futures::future::join_all(requests.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_http2_a_host_that_differs_from_the_authority_is_refused() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::new(&[&backend]);
    let socket = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    for (host, expected) in [("evil.example", 400), (HOST, 200)] {
        let request =
            Request::get(format!("http://{HOST}/")).header("host", host).body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), expected, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_answered_by_its_certificate_and_only_for_its_protocol() {
    let world = World::new(&[]);
    let (challenge, proof) = certificate("new.example");
    world.challenges.tls_alpn01().set("New.example", challenge);
    let stream = connect(&world, "new.example", &proof, &[b"acme-tls/1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    assert_eq!(Wire::new(stream).rest().await, b"");
    assert!(connect(&world, "new.example", &proof, &[b"http/1.1"]).await.is_err());
    world.challenges.tls_alpn01().remove("new.example");
    assert!(connect(&world, "new.example", &proof, &[b"acme-tls/1"]).await.is_err());
}
