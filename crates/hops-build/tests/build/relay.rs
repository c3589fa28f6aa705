//! A way to a daemon that can be cut and mended.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    task::{JoinHandle, JoinSet},
};

/// Passes connections on to the test's `BuildKit` until dropped.
pub(crate) struct Relay(JoinHandle<()>);

impl Relay {
    /// An address where nobody listens yet.
    pub(crate) async fn reserve() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    pub(crate) async fn listen(address: SocketAddr, to: String) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        Self(tokio::spawn(async move {
            // Dropped with this task, and with them every connection.
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let to = to.clone();
                open.spawn(async move { pass(stream, &to).await });
            }
        }))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn pass(mut stream: TcpStream, to: &str) {
    if let Some(path) = to.strip_prefix("unix://") {
        let mut other = UnixStream::connect(path).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
    } else {
        let mut other = TcpStream::connect(to.trim_start_matches("tcp://")).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
    }
}
