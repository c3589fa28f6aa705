//! A way to a daemon that can be cut and mended.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    task::{JoinHandle, JoinSet},
};

/// Passes connections on to the test's `BuildKit` until dropped.
pub(crate) struct Relay {
    task: JoinHandle<()>,
    sent: Arc<AtomicU64>,
}

impl Relay {
    /// An address where nobody listens yet.
    pub(crate) async fn reserve() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    pub(crate) async fn listen(address: SocketAddr, to: String) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            // Dropped with this task, and with them every connection.
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (to, counter) = (to.clone(), Arc::clone(&counter));
                open.spawn(async move {
                    if let Some(path) = to.strip_prefix("unix://") {
                        pass(stream, UnixStream::connect(path).await.unwrap(), &counter).await;
                    } else {
                        let to = to.trim_start_matches("tcp://");
                        pass(stream, TcpStream::connect(to).await.unwrap(), &counter).await;
                    }
                });
            }
        });
        Self { task, sent }
    }

    /// Bytes towards the daemon so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(near: TcpStream, far: impl AsyncRead + AsyncWrite, counter: &AtomicU64) {
    let (mut near_read, mut near_write) = tokio::io::split(near);
    let (mut far_read, mut far_write) = tokio::io::split(far);
    let there = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = near_read.read(&mut buffer).await {
            counter.fetch_add(count as u64, Ordering::Relaxed);
            if far_write.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
        let _ = far_write.shutdown().await;
    };
    let back = tokio::io::copy(&mut far_read, &mut near_write);
    let _ = tokio::join!(there, back);
}
