//! The access log, in a program of its own: who listens to it is decided once a process.

#![expect(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use hops_proxy::{
    Backend, Certificates, Challenges, Https, Listeners, Proxy, Route, Routes, Settings, Upstream,
};
use tracing_subscriber::fmt::MakeWriter;

/// Lines of the log, as JSON, and who waits for more.
#[derive(Clone, Default)]
struct Lines(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.0.0.lock().unwrap().write(bytes);
        self.0.1.notify_all();
        count
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// The next line, waited for: it is written when the answer has left.
    fn next(&self) -> serde_json::Value {
        let (bytes, more) = &*self.0;
        let mut bytes = bytes.lock().unwrap();
        loop {
            if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = bytes.drain(..=end).collect();
                return serde_json::from_slice(&line).unwrap();
            }
            bytes = more.wait(bytes).unwrap();
        }
    }
}

/// Answers every request on every connection with five bytes.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ =
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
        }
    });
    address
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn every_request_is_one_line_without_its_query() {
    let lines = Lines::default();
    tracing_subscriber::fmt().json().with_env_filter("hops::access=info").with_writer(lines.clone()).init();
    let (upstream, routes) = (Upstream::new("shop/prod/web"), Routes::new());
    let backend = backend();
    let _ = upstream.set(vec![Backend { address: backend, release: "42".into() }]);
    routes.set("shop.example", Route { upstream: upstream.clone(), https: Https::Never });
    let listeners =
        Listeners { http: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()], ..Listeners::default() };
    let proxy =
        Proxy::start(Settings::default(), listeners, routes, Certificates::new(), Challenges::new()).unwrap();
    let address = proxy.http_address().unwrap();

    ask(address, "GET /cart?token=secret HTTP/1.1\r\nHost: Shop.example\r\nConnection: close\r\n\r\n");
    let line = lines.next();
    let fields = &line["fields"];
    assert!(!line.to_string().contains("secret"), "{line}");
    for (name, expected) in [
        ("client", "127.0.0.1"),
        ("host", "shop.example"),
        ("method", "GET"),
        ("path", "/cart"),
        ("upstream", "shop/prod/web"),
        ("release", "42"),
        ("backend", &*backend.to_string()),
    ] {
        assert_eq!(fields[name], expected, "{line}");
    }
    assert_eq!((fields["status"].as_u64(), fields["sent_bytes"].as_u64()), (Some(200), Some(5)), "{line}");
    assert_eq!(fields["request_id"].as_str().unwrap().len(), 32);

    ask(address, "GET /a HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n");
    let line = lines.next();
    assert_eq!(
        (line["fields"]["status"].as_u64(), &line["fields"]["host"]),
        (Some(404), &"other.example".into())
    );

    ask(address, "nonsense\r\n\r\n");
    let line = lines.next();
    assert_eq!(
        (line["fields"]["status"].as_u64(), &line["fields"]["fault"]),
        (Some(400), &"malformed".into())
    );

    let _ = upstream.set(vec![]);
    ask(address, "GET /b HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    let line = lines.next();
    assert_eq!(
        (line["fields"]["status"].as_u64(), &line["fields"]["upstream"]),
        (Some(503), &"shop/prod/web".into())
    );
}
