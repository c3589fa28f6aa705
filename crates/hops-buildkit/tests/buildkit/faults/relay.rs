//! Between a client and a real daemon.

use hops_buildkit::Address;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpStream, UnixListener, UnixStream},
    sync::watch,
};

use crate::support::Daemon;

/// Passes connections on, and cuts every one when told.
pub(super) struct Relay {
    pub(super) address: Address,
    _folder: tempfile::TempDir,
}

impl Relay {
    /// `hides_entrance`: as an engine that does not know `/grpc`.
    pub(super) fn to(daemon: Daemon, hides_entrance: bool, is_cut: watch::Receiver<bool>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("relay.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut is_cut = is_cut.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = pass(near, daemon, hides_entrance) => {}
                        Ok(_) = is_cut.wait_for(|is_cut| *is_cut) => {}
                    }
                });
            }
        });
        let address = if daemon.is_docker() { Address::Docker(socket) } else { Address::Unix(socket) };
        Self { address, _folder: folder }
    }
}

async fn pass(mut near: UnixStream, daemon: Daemon, hides_entrance: bool) -> std::io::Result<()> {
    let mut first = [0; 10];
    near.read_exact(&mut first).await?;
    if hides_entrance && &first == b"POST /grpc" {
        near.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
        // To its end: what is closed with something unread looks like a failure.
        return tokio::io::copy(&mut near, &mut tokio::io::sink()).await.map(drop);
    }
    match daemon.address() {
        Address::Unix(path) | Address::Docker(path) => {
            let mut far = UnixStream::connect(path).await?;
            far.write_all(&first).await?;
            copy_bidirectional(&mut near, &mut far).await?;
        }
        Address::Tcp { host, port } => {
            let mut far = TcpStream::connect((host, port)).await?;
            far.write_all(&first).await?;
            copy_bidirectional(&mut near, &mut far).await?;
        }
    }
    Ok(())
}
