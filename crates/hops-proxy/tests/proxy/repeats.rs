//! Which requests are sent again, and which never.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use hops_proxy::{Settings, Upstream};
use hops_testkit::address;
use tokio::io::AsyncWriteExt;

use crate::support::{Backend, HOST, World, ok, one_thread, read};

/// An address at which nobody listens.
fn nobody() -> hops_proxy::Backend {
    hops_proxy::Backend { address: address::own_socket().unwrap(), release: "1".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_tried_elsewhere_whatever_the_method() {
    let backend = Backend::new(|seen| ok(&String::from_utf8_lossy(&seen.body))).await;
    let upstream = Upstream::new("shop");
    let _ = upstream.set(vec![nobody(), backend.as_backend("1"), nobody()]);
    let world = World::serving(Settings::default(), upstream);
    for _ in 0..20 {
        let mut wire = world.connect().await;
        wire.send(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\n\r\nhello")).await;
        assert_eq!(wire.answer().await.text(), "hello");
    }
    assert_eq!(backend.seen().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_refuse_it_is_a_bad_gateway() {
    let upstream = Upstream::new("shop");
    let _ = upstream.set(vec![nobody(), nobody()]);
    let world = World::serving(Settings::default(), upstream);
    let answer = world.get("/").await;
    assert_eq!(answer.status, 502);
    assert!(answer.text().starts_with("Something broke. "), "{}", answer.text());
}

/// A backend that answers the first request of each connection, and closes when it reads the second.
async fn closes_on_second(count: Arc<AtomicUsize>) -> Backend {
    Backend::raw(move |mut socket, _| {
        let count = count.clone();
        async move {
            let mut inbox = Vec::new();
            if let Ok(Some(_)) = read(&mut socket, &mut inbox).await {
                count.fetch_add(1, SeqCst);
                socket.write_all(&ok("hi")).await.unwrap();
            }
            if let Ok(Some(_)) = read(&mut socket, &mut inbox).await {
                count.fetch_add(1, SeqCst);
            }
        }
    })
    .await
}

async fn second_request(method: &str, body: &str) -> (u16, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let backend = closes_on_second(count.clone()).await;
    let world = World::with(one_thread(), &[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.answer().await.status, 200);
    let length = body.len();
    wire.send(&format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n{body}"))
        .await;
    (wire.answer().await.status, count.load(SeqCst))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_closes_unanswered_is_replaced_for_what_may_be_repeated() {
    assert_eq!(second_request("GET", "").await, (200, 3));
    assert_eq!(second_request("DELETE", "").await, (200, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_had_an_effect_is_not_sent_again() {
    assert_eq!(second_request("POST", "").await, (502, 2));
    assert_eq!(second_request("PATCH", "abc").await, (502, 2));
    assert_eq!(second_request("PUT", "abc").await, (502, 2), "its body is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_that_closes_unanswered_is_a_bad_gateway() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let backend = Backend::raw(move |mut socket, _| {
        let count = counted.clone();
        async move {
            let _ = read(&mut socket, &mut Vec::new()).await;
            count.fetch_add(1, SeqCst);
        }
    })
    .await;
    let world = World::new(&[&backend]);
    assert_eq!(world.get("/").await.status, 502);
    assert_eq!(count.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_closed_while_idle_is_not_noticed() {
    let backend = Backend::raw(|mut socket, _| async move {
        if let Ok(Some(_)) = read(&mut socket, &mut Vec::new()).await {
            socket.write_all(&ok("hi")).await.unwrap();
        }
    })
    .await;
    let world = World::with(one_thread(), &[&backend]);
    let mut wire = world.connect().await;
    for _ in 0..50 {
        wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_http_is_a_bad_gateway() {
    for bytes in [
        "SSH-2.0-x\r\n",
        "HTTP/1.1 99\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ] {
        let backend = Backend::new(|_| bytes.into()).await;
        let world = World::new(&[&backend]);
        assert_eq!(world.get("/").await.status, 502, "{bytes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_after_an_answer_are_no_next_answer() {
    let backend = Backend::new(|seen| {
        [ok(seen.path()), b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil".to_vec()].concat()
    })
    .await;
    let world = World::with(one_thread(), &[&backend]);
    for path in ["/1", "/2", "/3"] {
        assert_eq!(world.get(path).await.text(), path);
    }
}
