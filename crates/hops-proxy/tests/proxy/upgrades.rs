//! `WebSockets` and other protocols after HTTP.

use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use hops_proxy::{DrainTimes, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async, client_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::support::{Backend, HANG, HOST, NEVER, World, ok, read, short_drain};

/// A backend that echoes messages, and tells how each conversation ended.
async fn echo() -> (Backend, mpsc::UnboundedReceiver<Option<u16>>) {
    let (ended, ends) = mpsc::unbounded_channel();
    let backend = Backend::raw(move |socket, _| {
        let ended = ended.clone();
        async move {
            let Ok(mut socket) = accept_async(socket).await else { return };
            while let Some(message) = socket.next().await {
                match message {
                    Ok(Message::Close(frame)) => {
                        return ended.send(frame.map(|frame| frame.code.into())).unwrap();
                    }
                    Ok(message) => socket.send(message).await.unwrap(),
                    Err(_) => return ended.send(None).unwrap(),
                }
            }
        }
    })
    .await;
    (backend, ends)
}

async fn open(world: &World) -> WebSocketStream<TcpStream> {
    let socket = TcpStream::connect(world.address).await.unwrap();
    client_async(format!("ws://{HOST}/chat"), socket).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_pass_both_ways_and_the_close_is_theirs() {
    let (backend, mut ends) = echo().await;
    let world = World::new(&[&backend]);
    let mut socket = open(&world).await;
    for size in [1, 1_000, 100_000, 1_000_000] {
        let message = Message::binary(vec![7; size]);
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    ends.recv().await.unwrap();
}

/// Settings in which a `WebSocket` has so long after a switch.
fn upgraded(upgraded: Duration) -> Settings {
    Settings { drain: DrainTimes { requests: HANG, upgraded }, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_leaves_a_websocket_its_time() {
    let (backend, _ends) = echo().await;
    let world = World::with(upgraded(NEVER), &[&backend]);
    let mut socket = open(&world).await;
    socket.send("before".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), "before".into());
    let draining = tokio::spawn(world.upstream.set(vec![]).finished());
    assert_eq!(world.get("/").await.status, 503, "new requests went elsewhere at once");
    socket.send("meanwhile".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), "meanwhile".into());
    assert!(!draining.is_finished());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_whose_time_is_over_gets_a_proper_close_on_both_sides() {
    let (backend, mut ends) = echo().await;
    let stated = Duration::from_millis(300);
    let world = World::with(upgraded(stated), &[&backend]);
    let mut socket = open(&world).await;
    let start = Instant::now();
    let draining = tokio::spawn(world.upstream.set(vec![]).finished());
    let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else { panic!("no close") };
    assert_eq!(frame.code, CloseCode::Away);
    assert!(start.elapsed() >= stated, "{:?}", start.elapsed());
    while socket.next().await.is_some() {}
    assert_eq!(ends.recv().await.unwrap(), Some(1001));
    assert_eq!(draining.await.unwrap().unfinished, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_close_waits_for_the_end_of_a_message_under_way() {
    let backend = Backend::raw(|mut socket, _| async move {
        read(&mut socket, &mut Vec::new()).await.unwrap();
        let head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        socket.write_all(head).await.unwrap();
        // The first half of a frame; the second when the time is over and the close is due: it has come the other way.
        socket.write_all(&[0x82, 100]).await.unwrap();
        socket.write_all(&[1; 50]).await.unwrap();
        let mut close = [0; 8];
        socket.read_exact(&mut close).await.unwrap();
        assert_eq!(close[..2], [0x88, 0x82]);
        socket.write_all(&[2; 50]).await.unwrap();
        socket.write_all(&[0x82, 1, 3]).await.unwrap();
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let world = World::with(short_drain(), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.head().await.status, 101);
    let _ = world.upstream.set(vec![]);
    let expected = [&[0x82, 100][..], &[1; 50], &[2; 50], &[0x88, 2, 3, 0xE9]].concat();
    assert_eq!(wire.rest().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_sees_the_end_of_the_stream() {
    let backend = Backend::raw(|mut socket, _| async move {
        read(&mut socket, &mut Vec::new()).await.unwrap();
        let head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello";
        socket.write_all(head).await.unwrap();
        let (mut read, mut write) = socket.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await;
    let world = World::with(short_drain(), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nat once"
    ))
    .await;
    let head = wire.head().await;
    assert_eq!(
        (head.status, &*head.fields["upgrade"], &*head.fields["connection"]),
        (101, "echo", "upgrade")
    );
    assert_eq!(wire.exactly(12).await, b"helloat once");
    let _ = world.upstream.set(vec![]);
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_upgrade_answers_as_ever() {
    let backend = Backend::new(|_| ok("no")).await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    for _ in 0..2 {
        wire.send(&format!(
            "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.answer().await.text(), "no");
    }
    assert_eq!(backend.seen()[0].get("upgrade"), Some("websocket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_nobody_asked_for_is_a_bad_gateway() {
    let backend = Backend::new(|_| b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n".to_vec()).await;
    let world = World::new(&[&backend]);
    assert_eq!(world.get("/").await.status, 502);
}
