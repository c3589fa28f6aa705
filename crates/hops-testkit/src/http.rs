//! The smallest HTTP/1.1 client there is. It never repeats a request by itself, which is what counting honestly needs
//! and no client library offers.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, as far as it is UTF-8.
    pub body: String,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection(TcpStream);

impl Connection {
    /// Opens a connection.
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Asks for a path on a host. Says whether the connection can be used again.
    pub async fn get(&mut self, host: &str, path: &str, keep_alive: bool) -> std::io::Result<(Answer, bool)> {
        self.ask(host, path, keep_alive, "").await
    }

    /// Sends a body part by part, with a pause after each, and waits for the answer. The connection is not used again.
    pub async fn upload(
        &mut self,
        host: &str,
        path: &str,
        parts: &[&[u8]],
        pause: Duration,
    ) -> std::io::Result<Answer> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        self.0.write_all(head.as_bytes()).await?;
        for part in parts {
            self.0.write_all(part).await?;
            tokio::time::sleep(pause).await;
        }
        self.answer(false).await.map(|(answer, _)| answer)
    }

    async fn ask(
        &mut self,
        host: &str,
        path: &str,
        keep_alive: bool,
        fields: &str,
    ) -> std::io::Result<(Answer, bool)> {
        let connection = if keep_alive { "keep-alive" } else { "close" };
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n{fields}\r\n");
        self.0.write_all(request.as_bytes()).await?;
        self.answer(keep_alive).await
    }

    async fn answer(&mut self, keep_alive: bool) -> std::io::Result<(Answer, bool)> {
        let mut received = Vec::with_capacity(512);
        let head = loop {
            if let Some(end) = find(&received, b"\r\n\r\n") {
                break end + 4;
            }
            self.receive(&mut received).await?;
        };
        let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
        let status =
            text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| invalid("no status"))?;
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let body = if field("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
            while find(&received[head..], b"0\r\n\r\n").is_none() {
                self.receive(&mut received).await?;
            }
            unchunk(&received[head..])
        } else if let Some(length) = field("content-length") {
            let length: usize = length.parse().map_err(|_| invalid("no length"))?;
            while received.len() < head + length {
                self.receive(&mut received).await?;
            }
            received[head..head + length].to_vec()
        } else {
            while self.receive(&mut received).await.is_ok() {}
            received[head..].to_vec()
        };
        let reusable = keep_alive && field("connection") != Some("close");
        Ok((Answer { status, body: String::from_utf8_lossy(&body).into_owned() }, reusable))
    }

    async fn receive(&mut self, into: &mut Vec<u8>) -> std::io::Result<()> {
        match self.0.read_buf(into).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Asks once, over a connection of its own.
pub async fn get(address: SocketAddr, host: &str, path: &str) -> std::io::Result<Answer> {
    get_as(address, host, path, "*/*").await
}

/// Asks once for an answer of these types.
pub async fn get_as(address: SocketAddr, host: &str, path: &str, accept: &str) -> std::io::Result<Answer> {
    let fields = format!("Accept: {accept}\r\n");
    let ask = async { Connection::open(address).await?.ask(host, path, false, &fields).await };
    match tokio::time::timeout(Duration::from_secs(40), ask).await {
        Ok(answer) => answer.map(|(answer, _)| answer),
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

fn unchunk(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = find(chunks, b"\r\n") {
        let size =
            std::str::from_utf8(&chunks[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && line + 2 + size <= chunks.len()) else { break };
        body.extend_from_slice(&chunks[line + 2..line + 2 + size]);
        chunks = chunks.get(line + 2 + size + 2..).unwrap_or_default();
    }
    body
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn invalid(message: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::unchunk;

    #[test]
    fn chunks_are_joined() {
        assert_eq!(unchunk(b"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n"), b"Wikipedia");
    }
}
