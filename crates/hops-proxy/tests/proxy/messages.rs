//! What passes, as it came; and what is told and what is kept.

use std::time::Duration;

use hops_proxy::Settings;
use tokio::io::AsyncWriteExt;

use crate::support::{Backend, HOST, World, ok, one_thread, status};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_answer_pass() {
    let backend = Backend::new(|seen| {
        format!("HTTP/1.1 201 Made\r\nX-Word: {}\r\ncontent-length: 2\r\n\r\nhi", seen.get("x-word").unwrap())
            .into()
    })
    .await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    for word in ["one", "two"] {
        wire.send(&format!(
            "POST /a?b=c HTTP/1.1\r\nHost: {HOST}\r\nX-Word: {word}\r\nContent-Length: 3\r\n\r\nabc"
        ))
        .await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.text(), &*answer.fields["x-word"]), (201, "hi", word));
    }
    let seen = backend.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!((&*seen[1].line, &*seen[1].body), ("POST /a?b=c HTTP/1.1", &b"abc"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_backends_are_kept() {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = count.clone();
    let backend = Backend::raw(move |mut socket, _| {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            let mut inbox = Vec::new();
            while let Ok(Some(_)) = crate::support::read(&mut socket, &mut inbox).await {
                socket.write_all(&ok("hi")).await.unwrap();
            }
        }
    })
    .await;
    let world = World::with(one_thread(), &[&backend]);
    for _ in 0..10 {
        assert_eq!(world.get("/").await.status, 200);
    }
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn big_bodies_stream_both_ways() {
    let backend = Backend::new(|seen| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", seen.body.len());
        [head.as_bytes(), &seen.body].concat()
    })
    .await;
    let world = World::new(&[&backend]);
    let body: Vec<u8> = (0..4_000_000_u32).map(|it| it.to_le_bytes()[1]).collect();
    for framing in ["length", "chunks"] {
        let wire = world.connect().await;
        let (read, mut write) = wire.socket.into_split();
        let head = format!("PUT / HTTP/1.1\r\nHost: {HOST}\r\n");
        let sent = body.clone();
        let sending = tokio::spawn(async move {
            if framing == "length" {
                write
                    .write_all(format!("{head}Content-Length: {}\r\n\r\n", sent.len()).as_bytes())
                    .await
                    .unwrap();
                write.write_all(&sent).await.unwrap();
            } else {
                write
                    .write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes())
                    .await
                    .unwrap();
                for chunk in sent.chunks(70_001) {
                    write.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
                    write.write_all(chunk).await.unwrap();
                    write.write_all(b"\r\n").await.unwrap();
                }
                write.write_all(b"0\r\n\r\n").await.unwrap();
            }
            write
        });
        let mut wire = crate::support::Wire::new(tokio::io::join(read, tokio::io::sink()));
        let answer = wire.answer().await;
        assert!(answer.body == body, "{framing}");
        drop(sending.await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_as_they_are_sent() {
    let (more, wait) = tokio::sync::mpsc::channel::<()>(1);
    let wait = std::sync::Arc::new(tokio::sync::Mutex::new(wait));
    let backend = Backend::raw(move |mut socket, _| {
        let wait = wait.clone();
        async move {
            crate::support::read(&mut socket, &mut Vec::new()).await.unwrap();
            let head =
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            socket.write_all(head).await.unwrap();
            while wait.lock().await.recv().await.is_some() {
                socket.write_all(b"7\r\ndata: x\r\n").await.unwrap();
            }
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.head().await.status, 200);
    for _ in 0..3 {
        more.send(()).await.unwrap();
        assert_eq!(wire.until("data: x\r\n").await, "7\r\ndata: x\r\n");
    }
    drop(more);
    wire.until("0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn continue_is_said_when_the_body_is_wanted() {
    let backend = Backend::new(|seen| ok(&format!("{:?} {}", seen.get("expect"), seen.body.len()))).await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("hello").await;
    assert_eq!(wire.answer().await.text(), "None 5");
    wire.send(
        &"POST / HTTP/1.1\r\nHost: unknown.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            .to_string(),
    )
    .await;
    assert_eq!(wire.answer().await.status, 404, "nobody wants the body");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_bodies() {
    let backend = Backend::new(|seen| match seen.path() {
        "/none" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        "/same" => b"HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 10\r\n\r\n".to_vec(),
        "/early" => [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".to_vec(), ok("late")].concat(),
        _ => b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_vec(),
    })
    .await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.head().await.fields["content-length"], "10");
    for (path, expected) in [("/none", 204), ("/same", 304), ("/early", 200)] {
        wire.send(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        let answer = wire.head().await;
        assert_eq!(answer.status, expected);
        if expected == 200 {
            assert_eq!(wire.exactly(4).await, b"late");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_1_0_is_answered_in_its_way() {
    let backend = Backend::new(|_| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n".to_vec()
    })
    .await;
    let world = World::new(&[&backend]);
    let answer = world.raw(format!("GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("\r\n\r\nhi"), "{answer}");
    assert!(!answer.contains("chunked"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_early_is_seen_to_end_early() {
    let (arrived, close) = tokio::sync::watch::channel(false);
    let backend = Backend::raw(move |mut socket, _| {
        let mut close = close.clone();
        async move {
            crate::support::read(&mut socket, &mut Vec::new()).await.unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
            close.wait_for(|arrived| *arrived).await.unwrap();
        }
    })
    .await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert_eq!(wire.head().await.fields["content-length"], "10");
    assert_eq!(wire.exactly(4).await, b"half");
    arrived.send_replace(true);
    assert_eq!(wire.rest().await, b"", "closed, not kept open");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_not_believed_about_the_client() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::new(&[&backend]);
    let lies = "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\
                X-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1\r\nX-Request-Id: mine\r\nX_Real_IP: 1.2.3.4\r\n";
    world.raw(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{lies}\r\n").as_bytes()).await;
    let seen = &backend.seen()[0];
    assert_eq!(seen.get("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.get("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.get("x-forwarded-host"), Some(HOST));
    assert_eq!(seen.get("x-request-id").map(str::len), Some(32));
    for gone in ["forwarded", "x-real-ip", "x_real_ip", "x-forwarded-port"] {
        assert_eq!(seen.get(gone), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trusted_peers_are_believed_and_added_to() {
    let backend = Backend::new(|_| ok("")).await;
    let world = World::with(
        Settings { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..Settings::default() },
        &[&backend],
    );
    let told = "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Request-Id: theirs\r\n";
    world.raw(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{told}\r\n").as_bytes()).await;
    let seen = &backend.seen()[0];
    assert_eq!(seen.get("x-forwarded-for"), Some("1.2.3.4, 127.0.0.1"));
    assert_eq!(seen.get("forwarded"), Some("for=1.2.3.4, for=127.0.0.1;proto=http"));
    assert_eq!(seen.get("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.get("x-request-id"), Some("theirs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_at_this_hop_ends_here_both_ways() {
    let backend = Backend::new(|_| {
        b"HTTP/1.1 200 OK\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nX-Yours: 2\r\ncontent-length: 0\r\n\r\n".to_vec()
    })
    .await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    wire.send(&format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AA\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nX-End: 2\r\n\r\n"
    ))
    .await;
    let answer = wire.answer().await;
    assert_eq!(answer.fields.get("x-yours").map(String::as_str), Some("2"));
    assert!(!answer.fields.contains_key("x-mine") && !answer.fields.contains_key("keep-alive"), "{answer:?}");
    let names: Vec<_> = backend.seen()[0].fields.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(
        names,
        ["host", "x-end", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_what_it_means_and_who_made_it_says_nothing() {
    let world = World::new(&[]);
    let answer = world.get("/").await;
    assert_eq!((answer.status, &*answer.fields["retry-after"]), (503, "5"));
    assert!(answer.text().starts_with("Be right back. "), "{}", answer.text());
    let html = world
        .raw(
            format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .await;
    assert!(html.contains("<h1>Be right back</h1>") && !html.to_lowercase().contains("server:"), "{html}");
    let unknown = world.raw(b"GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&unknown), "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_idle_for_long_still_serves() {
    let backend = Backend::new(|seen| ok(seen.path())).await;
    let world = World::new(&[&backend]);
    let mut wire = world.connect().await;
    for path in ["/one", "/two"] {
        wire.send(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.text(), path);
        if path == "/one" {
            // Its buffers are given back meanwhile; the next request must not notice.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        }
    }
}
