//! gRPC: HTTP/2 from end to end, with its trailers.

use std::{convert::Infallible, net::SocketAddr};

use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response, Version,
    body::{Bytes, Frame, Incoming},
    client::conn::http2::SendRequest,
    header::HeaderValue,
    server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Backend, HOST, World, ok};

type Body = BoxBody<Bytes, Infallible>;

/// A gRPC server as far as HTTP goes: echoes, then trailers.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service_fn(|request: Request<Incoming>| async move {
                assert_eq!(request.version(), Version::HTTP_2);
                assert_eq!(request.headers()["te"], "trailers");
                assert_eq!(request.uri().authority().unwrap(), HOST);
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from_static("0"));
                let frames = [Ok::<_, Infallible>(Frame::data(body)), Ok(Frame::trailers(trailers))];
                Ok::<_, Infallible>(Response::new(StreamBody::new(stream::iter(frames)).boxed()))
            });
            let connection = server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(socket), service));
        }
    });
    address
}

async fn client(world: &World) -> SendRequest<Body> {
    let socket = TcpStream::connect(world.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn call(body: &'static [u8]) -> Request<Body> {
    Request::post(format!("http://{HOST}/pkg.Service/Method"))
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(body)).boxed())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_passes_with_its_trailers() {
    let world = World::new(&[]);
    let _ = world.upstream.set(vec![hops_proxy::Backend { address: server().await, release: "1".into() }]);
    let mut client = client(&world).await;
    for _ in 0..3 {
        let response = client.send_request(call(b"hello")).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(body.to_bytes(), "hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_is_passed_over() {
    let world = World::new(&[]);
    let closed = SocketAddr::from(([127, 0, 0, 1], 1));
    let backends =
        [closed, server().await].map(|address| hops_proxy::Backend { address, release: "1".into() });
    let _ = world.upstream.set(backends.to_vec());
    let mut client = client(&world).await;
    for _ in 0..10 {
        assert_eq!(client.send_request(call(b"hello")).await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_http1_backends_reach_clients_of_http2() {
    let backend = Backend::new(|_| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n".to_vec()
    })
    .await;
    let world = World::new(&[&backend]);
    let request = Request::get(format!("http://{HOST}/")).body(Full::default().boxed()).unwrap();
    let response = client(&world).await.send_request(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_http2_clients_reach_http1_backends_behind_the_body() {
    let backend = Backend::new(|seen| ok(&String::from_utf8_lossy(&seen.body))).await;
    let world = World::new(&[&backend]);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hi"))), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(stream::iter(frames)).boxed();
    let request = Request::post(format!("http://{HOST}/")).body(body).unwrap();
    let response = client(&world).await.send_request(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hi");
    assert_eq!(backend.seen()[0].get("transfer-encoding"), Some("chunked"));
}
