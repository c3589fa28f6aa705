//! Too large, too many, too slow.

use std::time::Duration;

use hops_proxy::{Limits, Settings, Timeouts};
use http_body_util::Empty;
use hyper::{Request, body::Bytes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Backend, HANG, HOST, NEVER, World, ok, read, status};

/// For the one timeout that a test is about.
const SHORT: Duration = Duration::from_millis(300);

/// Settings in which only one thing ends by its time: on a busy machine all others may take long.
fn only(change: impl FnOnce(&mut Timeouts)) -> Settings {
    let mut timeouts = Timeouts {
        handshake: NEVER,
        header: NEVER,
        idle: NEVER,
        connect: NEVER,
        response: NEVER,
        stall: NEVER,
        ..Timeouts::default()
    };
    change(&mut timeouts);
    Settings { timeouts, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_have_a_size_and_a_count() {
    let backend = Backend::new(|_| ok("")).await;
    let limits = Limits { header_bytes: 8 * 1024, header_count: 20, ..Limits::default() };
    let world = World::with(Settings { limits, ..Settings::default() }, &[&backend]);
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{fields}\r\n");
    let many = |count| "X: 1\r\n".repeat(count);
    let long = |length| format!("X: {}\r\n", "x".repeat(length));
    for (fields, expected) in
        [(many(18), "200"), (many(19), "431"), (long(7_900), "200"), (long(8_300), "431")]
    {
        assert_eq!(status(&world.raw(head(&fields).as_bytes()).await), expected, "{}", fields.len());
    }
    let target = format!("GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "x".repeat(70_000));
    assert!(matches!(status(&world.raw(target.as_bytes()).await), "414" | "431"));
    assert_eq!(backend.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_cut_and_so_is_a_connection_that_says_nothing() {
    let world = World::with(only(|timeouts| timeouts.header = SHORT), &[]);
    // A byte now and then does not help.
    let wire = world.connect().await;
    let (mut from, mut to) = wire.socket.into_split();
    let drip = tokio::spawn(async move {
        for byte in "GET / HTTP/1.1\r\nX: ".bytes().chain(std::iter::repeat(b'x')) {
            if to.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let _ = timeout(HANG, from.read_to_end(&mut Vec::new())).await.expect("the proxy hangs");
    drip.await.unwrap();
    assert_eq!(world.connect().await.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_idle_after_a_request_is_closed() {
    let backend = Backend::new(|_| ok("hi")).await;
    let world = World::with(only(|timeouts| timeouts.idle = SHORT), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.answer().await.text(), "hi");
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stalls_is_a_timeout_of_the_client() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::with(only(|timeouts| timeouts.stall = SHORT), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 10\r\n\r\nhalf")).await;
    assert_eq!(wire.answer().await.status, 408);
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_answer_is_a_timeout_of_the_gateway() {
    let backend = Backend::raw(|mut socket, _| async move {
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let world = World::with(only(|timeouts| timeouts.response = SHORT), &[&backend]);
    let answer = world.get("/").await;
    assert_eq!(answer.status, 504);
    assert!(answer.text().starts_with("No answer. "), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_takes_nothing_is_a_timeout_of_the_gateway() {
    let backend = Backend::raw(|socket, _| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    // Long enough for a busy client to have filled all buffers: before that it could be its turn.
    let world = World::with(only(|timeouts| timeouts.stall = Duration::from_secs(1)), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100000000\r\n\r\n")).await;
    let (from, mut to) = wire.socket.into_split();
    let sending = tokio::spawn(async move { while to.write_all(&[b'x'; 10_000]).await.is_ok() {} });
    let mut wire = crate::support::Wire::new(tokio::io::join(from, tokio::io::sink()));
    assert_eq!(wire.answer().await.status, 504);
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut() {
    let backend = Backend::raw(|mut socket, _| async move {
        let mut inbox = Vec::new();
        while let Ok(Some(_)) = read(&mut socket, &mut inbox).await {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
            while socket.write_all(&[0; 10_000]).await.is_ok() {}
        }
    })
    .await;
    let world = World::with(only(|timeouts| timeouts.stall = SHORT), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.head().await.status, 200);
    // Its share of the backend ends, seen by the backend's count of requests in flight.
    let draining = world.upstream.set(vec![]);
    assert_eq!(draining.finished().await.unfinished, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_connections() {
    let backend = Backend::new(|_| ok("hi")).await;
    let limits = Limits { connections_per_address: 3, ..Limits::default() };
    let world = World::with(Settings { limits, ..Settings::default() }, &[&backend]);
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut wire = world.connect().await;
        wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.text(), "hi");
        kept.push(wire);
    }
    let mut fourth = world.connect().await;
    let _ = fourth.socket.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await;
    assert_eq!(fourth.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_beyond_the_limit_of_all_wait_their_turn() {
    let backend = Backend::new(|_| ok("hi")).await;
    let limits = Limits { connections: 1, ..Limits::default() };
    let threads = Some(1.try_into().unwrap());
    let world = World::with(Settings { limits, threads, ..Settings::default() }, &[&backend]);
    let mut first = world.connect().await;
    let text = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    first.send(&text).await;
    assert_eq!(first.answer().await.text(), "hi");
    let mut second = world.connect().await;
    second.send(&text).await;
    assert!(timeout(SHORT, second.more()).await.is_err());
    drop(first);
    assert_eq!(second.answer().await.text(), "hi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_keep_a_pace() {
    const STEPS: usize = 30;
    let backend = Backend::new(|_| ok("")).await;
    // At least 200 bytes in two seconds: 20 come, or 20,000, of which a busy client may be late with almost all.
    let world = World::with(only(|timeouts| timeouts.stall = Duration::from_secs(2)), &[&backend]);
    let check = async |step: usize, expected: u16| {
        let wire = world.connect().await;
        let (from, mut to) = wire.socket.into_split();
        let drip = tokio::spawn(async move {
            let length = STEPS * step;
            let head = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n");
            to.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..STEPS {
                if to.write_all(&vec![b'x'; step]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            to
        });
        let mut wire = crate::support::Wire::new(tokio::io::join(from, tokio::io::sink()));
        assert_eq!(wire.answer().await.status, expected, "{step} bytes at a time");
        drop(drip.await.unwrap());
    };
    tokio::join!(check(1, 408), check(1_000, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_heard_by_who_is_still_sending() {
    let world = World::new(&[]);
    for _ in 0..20 {
        let mut wire = world.connect().await;
        wire.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3000000\r\n\r\n")).await;
        let (from, mut to) = wire.socket.into_split();
        let sending = tokio::spawn(async move {
            for _ in 0..30 {
                if to.write_all(&vec![b'x'; 100_000]).await.is_err() {
                    break;
                }
            }
        });
        let mut wire = crate::support::Wire::new(tokio::io::join(from, tokio::io::sink()));
        assert_eq!(wire.answer().await.status, 503);
        sending.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_of_http2_is_told_to_go_away() {
    let backend = Backend::new(|_| ok("hi")).await;
    let world = World::with(only(|timeouts| timeouts.idle = SHORT), &[&backend]);
    let socket = TcpStream::connect(world.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("http://{HOST}/")).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    // Ends without an error: it was told, not cut.
    timeout(HANG, connection).await.unwrap().unwrap().unwrap();
}
