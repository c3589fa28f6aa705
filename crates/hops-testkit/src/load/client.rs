//! What a client does, one kind after the other. None repeats anything; all look at what they get.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::{
    http::{Answer, Connection},
    socket::Socket,
};

/// What a request is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Over a connection that was used before.
    KeepAlive,
    /// Over a connection of its own.
    Fresh,
    /// Over a connection of its own, to `/slow/{ms}`.
    Slow(u32),
    /// A body that takes this many milliseconds to send; it has to arrive whole.
    SlowUpload(u32),
    /// An answer that takes this many milliseconds to come; it has to come whole.
    SlowDownload(u32),
    /// A WebSocket, open for this many milliseconds, on which something is said all the time and everything is echoed. It
    /// is the client who closes it.
    Socket(u32),
}

/// Into how many parts a slow body is cut.
const PARTS: u32 = 10;

impl Request {
    /// Its kind, for counting.
    pub fn kind(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep-alive",
            Self::Fresh => "fresh",
            Self::Slow(_) => "slow",
            Self::SlowUpload(_) => "slow upload",
            Self::SlowDownload(_) => "slow download",
            Self::Socket(_) => "WebSocket",
        }
    }
}

/// Where requests go, and the connections that wait for the next one.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) host: String,
    idle: Mutex<Vec<Connection>>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, host: String) -> Self {
        Self { address, host, idle: Mutex::new(Vec::new()) }
    }

    /// Does one request to its end. The error says what went wrong.
    pub(super) async fn ask(&self, request: Request) -> Result<(), String> {
        let said = |error: io::Error| match error.kind() {
            io::ErrorKind::Other => error.to_string(),
            kind => kind.to_string(),
        };
        match request {
            Request::KeepAlive => self.get_over_a_kept_connection().await,
            Request::Fresh => self.get("/").await.map(drop),
            Request::Slow(ms) => self.get(&format!("/slow/{ms}")).await.map(drop),
            Request::SlowUpload(ms) => self.upload(ms).await,
            Request::SlowDownload(ms) => {
                let answer = self.get(&format!("/drip/{PARTS}/{}", ms / PARTS)).await?;
                let expected = (1..=PARTS).map(|line| line.to_string());
                if answer.body.lines().eq(expected) {
                    Ok(())
                } else {
                    Err(format!("half an answer: {:?}", answer.body))
                }
            }
            Request::Socket(ms) => self.converse(ms).await.map_err(said),
        }
    }

    async fn get(&self, path: &str) -> Result<Answer, String> {
        let mut connection = self.connect().await?;
        let (answer, _) =
            connection.get(&self.host, path, false).await.map_err(|error| error.kind().to_string())?;
        is_success(&answer).map(|()| answer)
    }

    async fn get_over_a_kept_connection(&self) -> Result<(), String> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let (answer, reusable) =
            connection.get(&self.host, "/", true).await.map_err(|error| error.kind().to_string())?;
        if reusable {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        is_success(&answer)
    }

    async fn upload(&self, ms: u32) -> Result<(), String> {
        let part = [b'x'; 1000];
        let parts = [part.as_slice(); PARTS as usize];
        let pause = Duration::from_millis(u64::from(ms / PARTS));
        let mut connection = self.connect().await?;
        let answer = connection.upload(&self.host, "/upload", &parts, pause).await;
        let answer = answer.map_err(|error| error.kind().to_string())?;
        is_success(&answer)?;
        let hash = Sha256::digest(parts.concat())
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let expected = format!("{} {hash}\n", parts.concat().len());
        if answer.body == expected { Ok(()) } else { Err(format!("half a body arrived: {:?}", answer.body)) }
    }

    async fn converse(&self, ms: u32) -> io::Result<()> {
        let mut socket = Socket::open(self.address, &self.host, "/socket").await?;
        let end = tokio::time::Instant::now() + Duration::from_millis(u64::from(ms));
        for number in 0_u32.. {
            socket.echo(&format!("message {number}")).await?;
            if tokio::time::Instant::now() >= end {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        socket.close().await
    }

    async fn connect(&self) -> Result<Connection, String> {
        Connection::open(self.address).await.map_err(|error| format!("connecting: {}", error.kind()))
    }
}

fn is_success(answer: &Answer) -> Result<(), String> {
    if (200..300).contains(&answer.status) { Ok(()) } else { Err(format!("status {}", answer.status)) }
}
