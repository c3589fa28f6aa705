//! Malformed requests, by the thousand: nobody panics, nothing hangs, no backend is confused.
//!
//! Each is a sound request that was damaged at random, sent on a connection of its own. After each a canary goes
//! through the same proxy and the same kept backend connections, and must get its own answer. The backend reads
//! strictly; every request that it sees must carry what only the proxy adds: whatever comes without was smuggled.
//!
//! `HOPS_TEST_LONG=1` sends a million. A failure names the seed; `HOPS_TEST_SEED` begins with it.

mod damage;

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use hops_proxy::{Limits, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Backend, HOST, Wire, World, ok};

/// Most of them wait for an answer that is not due.
const CLIENTS: usize = 64;
/// How long a client waits for an answer that may never be due: it sent half of a body, perhaps.
const PATIENCE: Duration = Duration::from_millis(40);

#[tokio::test(flavor = "multi_thread")]
async fn damaged_requests_harm_nobody_else() {
    let count = if env::var_os("HOPS_TEST_LONG").is_some() { 1_000_000 } else { 20_000 };
    let first = env::var("HOPS_TEST_SEED")
        .ok()
        .map_or_else(|| fastrand::u64(..1 << 48), |seed| seed.parse().unwrap());
    let panics = count_panics();

    let backend = Backend::new(|seen| {
        // What a smuggler would need: an answer that tells whose it is.
        ok(&format!("{} {}", seen.path(), seen.get("x-request-id").unwrap_or("none")))
    })
    .await;
    let limits = Limits { connections_per_address: 10_000, ..Limits::default() };
    let world = Arc::new(World::with(Settings { limits, ..Settings::default() }, &[&backend]));
    let next = Arc::new(AtomicU64::new(first));
    let clients = (0..CLIENTS).map(|_| {
        let (world, next) = (world.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let seed = next.fetch_add(1, SeqCst);
                if seed >= first + count {
                    return;
                }
                harm(&world, seed).await;
                canary(&world, seed).await;
            }
        })
    });
    let inspection = inspect(&backend, first, &next, first + count);
    let (results, seen) = tokio::join!(futures::future::join_all(clients.collect::<Vec<_>>()), inspection);
    for result in results {
        result.unwrap();
    }
    assert_eq!(panics.load(SeqCst), 0, "the proxy panicked; seeds from {first}");
    assert!(seen >= usize::try_from(count).unwrap(), "{seen} requests reached the backend");
    println!("{count} damaged requests from seed {first}; the backend saw {seen} sound ones");
}

/// Sends one damaged request and takes whatever comes.
async fn harm(world: &World, seed: u64) {
    let bytes = damage::request(seed);
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let _ = socket.write_all(&bytes).await;
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) = timeout(PATIENCE, socket.read_buf(&mut answer)).await {}
    // Resets instead of lingering: a million closed connections would use up the machine's ports.
    socket.set_zero_linger().unwrap();
}

/// Sends one sound request, which must get its own answer.
async fn canary(world: &World, seed: u64) {
    let mut wire = Wire::new(TcpStream::connect(world.address).await.unwrap());
    wire.send(format!("GET /canary/{seed} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    let answer = wire.answer().await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(
        answer.status == 200 && text.starts_with(&format!("/canary/{seed} ")),
        "seed {seed}: {answer:?} {text}"
    );
    wire.socket.set_zero_linger().unwrap();
}

/// Looks at everything that the backend sees until the last request was sent; returns how much that was.
async fn inspect(backend: &Backend, first: u64, next: &AtomicU64, end: u64) -> usize {
    let mut count = 0;
    loop {
        let is_last = next.load(SeqCst) >= end + CLIENTS as u64;
        for seen in backend.take() {
            count += 1;
            let ids: Vec<_> = seen.fields.iter().filter(|(name, _)| name == "x-request-id").collect();
            let is_ours =
                matches!(&ids[..], [(_, id)] if id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(is_ours, "smuggled, seeds from {first}: {seen:?}");
            assert_eq!(seen.get("x-forwarded-for"), Some("127.0.0.1"), "seeds from {first}: {seen:?}");
        }
        assert_eq!(backend.wrong(), [""; 0], "seeds from {first}");
        if is_last {
            return count;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Counts panics on the proxy's threads, which would otherwise end nothing but a connection.
fn count_panics() -> Arc<AtomicUsize> {
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = panics.clone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name().is_some_and(|name| name.starts_with("proxy-")) {
            counted.fetch_add(1, SeqCst);
        }
        before(info);
    }));
    panics
}
