//! Stopping: what has begun ends, what is idle is closed.

use std::time::Duration;

use hops_proxy::{Settings, Timeouts};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::watch};

use crate::support::{Backend, HOST, NEVER, World, ok, one_thread, read};

/// A backend whose answer's second half waits for a word.
async fn slow() -> (Backend, watch::Sender<bool>) {
    let (go, wait) = watch::channel(false);
    let backend = Backend::raw(move |mut socket, _| {
        let mut wait = wait.clone();
        async move {
            let mut inbox = Vec::new();
            while let Ok(Some(_)) = read(&mut socket, &mut inbox).await {
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await.unwrap();
                wait.wait_for(|go| *go).await.unwrap();
                socket.write_all(b"-last").await.unwrap();
            }
        }
    })
    .await;
    (backend, go)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_ends_and_what_is_idle_is_closed() {
    let (backend, go) = slow().await;
    // What is idle is not closed by its age.
    let timeouts = Timeouts { header: NEVER, idle: NEVER, ..Timeouts::default() };
    let world = World::with(Settings { timeouts, ..Settings::default() }, &[&backend]);
    let mut busy = world.connect().await;
    busy.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(busy.head().await.status, 200);
    assert_eq!(busy.exactly(5).await, b"first");
    let mut idle = world.connect().await;
    idle.send("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 404);
    let mut silent = world.connect().await;

    let address = world.address;
    let stopping = tokio::spawn(world.proxy.shut_down());
    assert_eq!(idle.rest().await, b"");
    assert_eq!(silent.rest().await, b"");
    // The threads hear of it one by one; then nobody listens.
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopping.is_finished());
    go.send_replace(true);
    assert_eq!(busy.rest().await, b"-last");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_answer_says_that_it_is_the_last() {
    let (go, wait) = watch::channel(false);
    let backend = Backend::raw(move |mut socket, notes| {
        let mut wait = wait.clone();
        async move {
            read(&mut socket, &mut Vec::new()).await.unwrap();
            notes.arrived();
            wait.wait_for(|go| *go).await.unwrap();
            socket.write_all(&ok("hi")).await.unwrap();
        }
    })
    .await;
    // One thread: what closes the idle connection has told the busy one.
    let world = World::with(one_thread(), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    backend.arrival().await;
    let mut idle = world.connect().await;
    let stopping = tokio::spawn(world.proxy.shut_down());
    assert_eq!(idle.rest().await, b"", "the proxy is stopping");
    go.send_replace(true);
    let answer = wire.answer().await;
    assert_eq!((answer.text(), &*answer.fields["connection"]), ("hi", "close"));
    assert_eq!(wire.rest().await, b"");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_told_to_go_away_and_its_requests_end() {
    let (backend, go) = slow().await;
    let world = World::new(&[&backend]);
    let socket = TcpStream::connect(world.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let request = || Request::get(format!("http://{HOST}/")).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request()).await.unwrap();
    let stopping = tokio::spawn(world.proxy.shut_down());
    // Until GOAWAY has come, requests are taken; then no more.
    while let Ok(response) = sender.send_request(request()).await {
        assert_eq!(response.status(), 200);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    go.send_replace(true);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "first-last");
    stopping.await.unwrap();
    connection.await.unwrap().unwrap();
}
