//! New backends in, old ones drained, nothing lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use hops_proxy::{Settings, Timeouts};
use tokio::{io::AsyncWriteExt, sync::watch, time::timeout};

use crate::support::{Backend, HANG, HOST, NEVER, World, ok, read, short_drain};

#[tokio::test(flavor = "multi_thread")]
async fn switches_under_load_lose_nothing() {
    let release = |name: &'static str| Backend::new(move |_| ok(name));
    let mut current = release("0").await;
    let world = World::new(&[&current]);
    let is_over = Arc::new(AtomicBool::new(false));
    let (count, mut counted) = watch::channel(0);
    let clients = (0..8).map(|client| {
        let (address, is_over, count) = (world.address, is_over.clone(), count.clone());
        tokio::spawn(async move {
            let connect =
                async || crate::support::Wire::new(tokio::net::TcpStream::connect(address).await.unwrap());
            let mut wire = connect().await;
            while !is_over.load(SeqCst) {
                if client % 2 == 0 {
                    wire = connect().await;
                }
                // Neither may be repeated by the proxy behind the client's back.
                wire.send(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\nhi")).await;
                let answer = wire.answer().await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                count.send_modify(|count| *count += 1);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    drop(count);
    for name in [
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
        "19", "20",
    ] {
        let next = release(name).await;
        let draining = world.upstream.set(vec![next.as_backend(name)]);
        assert_eq!(draining.finished().await.unfinished, 0);
        // Its port is closed the moment that the drain is over: whoever still went there would be refused.
        current.stop().await;
        current = next;
        let before = *counted.borrow();
        counted.wait_for(|count| *count >= before + 20).await.unwrap();
    }
    is_over.store(true, SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    assert!(*counted.borrow() >= 400);
}

/// A backend that answers when told to.
async fn waiting() -> (Backend, watch::Sender<bool>) {
    let (go, wait) = watch::channel(false);
    let backend = Backend::raw(move |mut socket, notes| {
        let mut wait = wait.clone();
        async move {
            let mut inbox = Vec::new();
            while let Ok(Some(_)) = read(&mut socket, &mut inbox).await {
                notes.arrived();
                wait.wait_for(|go| *go).await.unwrap();
                socket.write_all(&ok("old")).await.unwrap();
            }
        }
    })
    .await;
    (backend, go)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_has_begun_ends_where_it_began() {
    let (old, go) = waiting().await;
    let new = Backend::new(|_| ok("new")).await;
    let world = World::new(&[&old]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    old.arrival().await;
    let draining = tokio::spawn(world.upstream.set(vec![new.as_backend("2")]).finished());
    assert_eq!(world.get("/").await.text(), "new");
    assert!(!draining.is_finished());
    go.send_replace(true);
    assert_eq!(wire.answer().await.text(), "old");
    assert_eq!(draining.await.unwrap().unfinished, 0);
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.answer().await.text(), "new", "the client's connection goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_says_what_did_not_finish_in_time() {
    let (old, _go) = waiting().await;
    let world = World::with(short_drain(), &[&old]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    old.arrival().await;
    let start = Instant::now();
    assert_eq!(world.upstream.set(vec![]).finished().await.unfinished, 1);
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_to_who_left_are_closed() {
    let (closed, mut is_closed) = watch::channel(false);
    let closed = Arc::new(closed);
    let backend = Backend::raw(move |mut socket, _| {
        let closed = closed.clone();
        async move {
            let mut inbox = Vec::new();
            while let Ok(Some(_)) = read(&mut socket, &mut inbox).await {
                socket.write_all(&ok("hi")).await.unwrap();
            }
            closed.send_replace(true);
        }
    })
    .await;
    // Not by its age.
    let timeouts = Timeouts { backend_idle: NEVER, ..Timeouts::default() };
    let world = World::with(Settings { timeouts, ..Settings::default() }, &[&backend]);
    assert_eq!(world.get("/").await.status, 200);
    let _ = world.upstream.set(vec![]);
    timeout(HANG, is_closed.wait_for(|closed| *closed)).await.expect("it is not closed").unwrap();
}
