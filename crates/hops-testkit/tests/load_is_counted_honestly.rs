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
    load::{Request, Tally},
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
    let load = Load { address, host: "test".into(), rate: 200, mix, timeout: Duration::from_secs(1) }.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    load.stop().await
}

fn every_tenth(number: u64) -> bool {
    number.is_multiple_of(10)
}

fn check(tally: &Tally) {
    let failed: u64 = tally.failed.values().sum();
    assert_eq!(tally.sent, tally.answered + failed, "{tally}");
    assert_eq!(failed, tally.sent.div_ceil(10), "{tally}");
    assert!((150..=210).contains(&tally.sent), "{tally}");
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
    check(&tally(every_tenth, Misbehaviour::Silence, &[Request::Fresh]).await);
}

#[tokio::test]
async fn a_closed_port_loses_everything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let load = Load { rate: 50, ..Load::new(address, "test", 50) }.start();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let tally = load.stop().await;
    assert_eq!(tally.answered, 0);
    assert_eq!(tally.sent, tally.failed.values().sum::<u64>());
    assert!(tally.sent > 0);
}
