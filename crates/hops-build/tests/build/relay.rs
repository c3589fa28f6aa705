//! A way to a daemon that can be cut and mended.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixListener, UnixStream},
    task::{JoinHandle, JoinSet},
};

use crate::daemon::Daemon;

/// A socket where nobody listens yet.
pub(crate) struct Place {
    folder: TempDir,
    daemon: Daemon,
}

/// Passes connections on to the test's daemon until dropped.
pub(crate) struct Relay {
    task: JoinHandle<()>,
    sent: Arc<AtomicU64>,
}

impl Place {
    /// As in [`hops_build::Settings::buildkit`].
    pub(crate) fn address(&self) -> String {
        let scheme = if self.daemon.engine().is_some() { "docker" } else { "unix" };
        format!("{scheme}://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("relay.sock")
    }

    pub(crate) fn listen(&self) -> Relay {
        let _ = std::fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket()).unwrap();
        let sent = Arc::new(AtomicU64::new(0));
        let (counter, to) = (Arc::clone(&sent), self.daemon.address());
        let task = tokio::spawn(async move {
            // Dropped with this task, and with them every connection.
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (to, counter) = (to.clone(), Arc::clone(&counter));
                open.spawn(async move {
                    match to.split_once("://").unwrap() {
                        ("tcp", to) => pass(stream, TcpStream::connect(to).await.unwrap(), &counter).await,
                        (_, to) => pass(stream, UnixStream::connect(to).await.unwrap(), &counter).await,
                    }
                });
            }
        });
        Relay { task, sent }
    }
}

impl Relay {
    pub(crate) fn reserve(daemon: Daemon) -> Place {
        Place { folder: tempfile::tempdir().unwrap(), daemon }
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

async fn pass(near: UnixStream, far: impl AsyncRead + AsyncWrite, counter: &AtomicU64) {
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
