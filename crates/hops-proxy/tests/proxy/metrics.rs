//! What is counted.

use std::time::Duration;

use hops_proxy::{Balance, DrainTimes, Settings, Upstream};
use tokio::time::{sleep, timeout};

use crate::support::{Backend, HANG, HOST, World, ok};

/// The value of a line that begins so.
fn value(text: &str, line: &str) -> Option<f64> {
    text.lines().find_map(|it| it.strip_prefix(line)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_upstream_release_and_class() {
    let backend = Backend::new(|seen| match seen.path() {
        "/missing" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        _ => ok("hello"),
    })
    .await;
    let upstream = Upstream::with("shop/prod/\"web\"", Balance::RoundRobin, DrainTimes::default());
    let world = World::serving(Settings::default(), upstream.clone());
    assert_eq!(world.get("/").await.status, 503);
    let _ = upstream.set(vec![backend.as_backend("41")]);
    assert_eq!(world.get("/").await.status, 200);
    let _ = upstream.set(vec![backend.as_backend("42")]);
    assert_eq!(world.get("/missing").await.status, 404);
    let mut wire = world.connect().await;
    wire.send(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\n\r\nabc")).await;
    assert_eq!(wire.answer().await.status, 200);
    world.raw(b"GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n").await;

    let requests = |release: &str, class: &str| {
        let upstream = r#"shop/prod/\"web\""#;
        format!(
            "hops_proxy_requests_total{{upstream=\"{upstream}\",release=\"{release}\",class=\"{class}\"}}"
        )
    };
    let of_42 = r#"{upstream="shop/prod/\"web\"",release="42"}"#;
    let expected = [
        (requests("", "5xx"), 1.0),
        (requests("41", "2xx"), 1.0),
        (requests("42", "2xx"), 1.0),
        (requests("42", "4xx"), 1.0),
        (format!("hops_proxy_received_bytes_total{of_42}"), 3.0),
        (format!("hops_proxy_sent_bytes_total{of_42}"), 5.0),
        (format!("hops_proxy_in_flight{of_42}"), 0.0),
        (format!("hops_proxy_duration_seconds_count{of_42}"), 2.0),
        (r#"hops_proxy_requests_total{upstream="",release="",class="4xx"}"#.to_owned(), 1.0),
    ];
    // A request is counted when its answer has left, a moment after the client has it.
    let counted = async {
        loop {
            let text = world.proxy.metrics();
            if expected.iter().all(|(line, count)| value(&text, line) == Some(*count)) {
                return text;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let counted = timeout(HANG, counted).await;
    let text = counted.unwrap_or_else(|_| panic!("{expected:#?}\n{}", world.proxy.metrics()));
    assert!(value(&text, "hops_proxy_connections").is_some_and(|count| count >= 1.0));
}
