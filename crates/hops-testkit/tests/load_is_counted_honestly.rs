//! The load tool against servers that are known to lose requests.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hops_testkit::{
    Load,
    load::{Failure, Request, Tally},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Does this with every request whose number it says yes to, and answers the others.
async fn server(misbehaves: fn(u64) -> bool, how: Misbehaviour) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let count = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("the listener stays");
            let count = count.clone();
            tokio::spawn(serve(stream, count, misbehaves, how));
        }
    });
    address
}

#[derive(Clone, Copy)]
enum Misbehaviour {
    Close,
    Status503,
    Half,
    Silence,
}

async fn serve(mut stream: TcpStream, count: Arc<AtomicU64>, misbehaves: fn(u64) -> bool, how: Misbehaviour) {
    let mut buffer = [0; 1024];
    while let Ok(1..) = stream.read(&mut buffer).await {
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let answer = if misbehaves(count.fetch_add(1, Ordering::SeqCst)) {
            match how {
                Misbehaviour::Close => return,
                Misbehaviour::Status503 => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
                Misbehaviour::Half => "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok",
                Misbehaviour::Silence => "",
            }
        } else {
            good
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if matches!((answer, how), (answer, Misbehaviour::Half) if answer != good) {
            return;
        }
    }
}

async fn tally(misbehaves: fn(u64) -> bool, how: Misbehaviour, mix: &[Request]) -> Tally {
    let address = server(misbehaves, how).await;
    let mix = mix.to_vec();
    let load = Load { address, host: "test".into(), rate: 200, mix, timeout: Duration::from_secs(5) };
    run(load, 200).await
}

/// Until this many requests were sent.
async fn run(load: Load, count: u64) -> Tally {
    let mut load = load.start();
    load.send_more(count).await;
    load.stop().await
}

/// Takes every connection as a WebSocket, echoes nothing more after its first message, and ends in this way.
async fn sockets(last: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("the listener stays");
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
                let head = format!("HTTP/1.1 101 Switching Protocols\r\n{accept}\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(b"\x81\x09message 0").await;
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(last).await;
            });
        }
    });
    address
}

async fn conversations(address: SocketAddr) -> Tally {
    let mix = vec![Request::Socket(500)];
    run(Load { address, host: "test".into(), rate: 20, mix, timeout: Duration::from_secs(5) }, 5).await
}

#[tokio::test]
async fn a_websocket_that_is_cut_is_a_loss() {
    let tally = conversations(sockets(b"").await).await;
    assert_eq!((tally.answered, tally.failed.len()), (0, 1), "{tally}");
    assert!(tally.failed.contains_key("WebSocket: unexpected end of file"), "{tally}");
}

#[tokio::test]
async fn a_websocket_that_is_closed_early_is_a_loss() {
    // Closed properly, with 1001, and yet before its client was done.
    let tally = conversations(sockets(b"\x88\x02\x03\xe9").await).await;
    assert!(tally.failed.contains_key("WebSocket: not an echo: Close(Some(1001))"), "{tally}");
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_a_loss() {
    let mix = [Request::SlowUpload(100), Request::SlowDownload(100)];
    let tally = tally(|_| false, Misbehaviour::Close, &mix).await;
    assert_eq!(tally.answered, 0, "{tally}");
    assert_eq!(tally.failed.len(), 2, "{tally}");
}

/// One after the other, a hundred in a second at most.
async fn overloaded() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("the listener stays");
            serve(stream, Arc::default(), |_| false, Misbehaviour::Close).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    address
}

#[tokio::test]
async fn a_load_that_cannot_keep_its_rate_says_so_goes_slower_and_loses_nothing() {
    let mix = vec![Request::Fresh];
    let load = Load {
        address: overloaded().await,
        host: "test".into(),
        rate: 200,
        mix,
        timeout: Duration::from_mins(1),
    };
    let tally = run(load, 450).await;
    assert!(tally.failed.is_empty() && tally.answered == tally.sent, "{tally}");
    assert!(tally.behind > Duration::ZERO, "{tally}");
    assert!(tally.to_string().contains("the rate was not kept"), "{tally}");
}

#[tokio::test]
async fn a_load_that_keeps_its_rate_is_not_behind() {
    // Far fewer than fall due in a second: even a machine that stands still for longer does not bring it to its limit.
    let address = server(|_| false, Misbehaviour::Close).await;
    let mix = vec![Request::KeepAlive];
    let load = Load { address, host: "test".into(), rate: 1000, mix, timeout: Duration::from_mins(1) };
    let tally = run(load, 100).await;
    assert_eq!((tally.answered, tally.behind), (tally.sent, Duration::ZERO), "{tally}");
}

fn every_tenth(number: u64) -> bool {
    number.is_multiple_of(10)
}

fn check(tally: &Tally) {
    let failed: u64 = tally.failed.values().sum();
    assert_eq!(tally.sent, tally.answered + failed, "{tally}");
    assert_eq!(failed, tally.sent.div_ceil(10), "{tally}");
    assert!(tally.sent >= 200, "{tally}");
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_a_loss() {
    check(&tally(every_tenth, Misbehaviour::Close, &[Request::Fresh]).await);
    check(&tally(every_tenth, Misbehaviour::Close, &[Request::KeepAlive]).await);
}

#[tokio::test]
async fn an_error_status_is_a_loss() {
    check(&tally(every_tenth, Misbehaviour::Status503, &[Request::KeepAlive, Request::Fresh]).await);
}

#[tokio::test]
async fn half_an_answer_is_a_loss() {
    check(&tally(every_tenth, Misbehaviour::Half, &[Request::Fresh]).await);
}

#[tokio::test]
async fn silence_is_a_loss_and_holds_nothing_up() {
    let tally = tally(every_tenth, Misbehaviour::Silence, &[Request::Fresh]).await;
    check(&tally);
    // Each was waited for until its time was over.
    let was_waited_for = |lost: &Failure| lost.ended >= lost.due + Duration::from_secs(5);
    assert!(tally.failures.iter().all(was_waited_for), "{:?}", tally.failures);
}

#[tokio::test]
async fn a_closed_port_loses_everything() {
    let address = hops_testkit::address::own_socket().unwrap();
    let tally = run(Load::new(address, "test", 50), 10).await;
    assert_eq!(tally.answered, 0);
    assert_eq!(tally.sent, tally.failed.values().sum::<u64>());
    assert!(tally.sent > 0);
}
