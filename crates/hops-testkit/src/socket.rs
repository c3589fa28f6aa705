//! The smallest WebSocket client there is: enough to hold a conversation and to see how it ends.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::PATIENCE;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text, or whatever else is meant for the app.
    Message(Vec<u8>),
    /// The other side says that it closes, with its code.
    Close(Option<u16>),
}

impl Socket {
    /// Opens a WebSocket on a host. Anything but an upgrade is an error that names the answer.
    pub async fn open(address: SocketAddr, host: &str, path: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, received: Vec::new() };
        let head = loop {
            if let Some(end) = socket.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break socket.received.drain(..end + 4).collect::<Vec<_>>();
            }
            socket.receive().await?;
        };
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let accepted = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=";
        if head.starts_with("http/1.1 101 ") && head.contains(accepted) {
            return Ok(socket);
        }
        Err(io::Error::other(format!("no upgrade: {}", head.lines().next().unwrap_or_default())))
    }

    /// Says something and waits for its echo.
    pub async fn echo(&mut self, text: &str) -> io::Result<()> {
        self.send(TEXT, text.as_bytes()).await?;
        match self.next().await? {
            Frame::Message(message) if message == text.as_bytes() => Ok(()),
            other => Err(io::Error::other(format!("not an echo: {other:?}"))),
        }
    }

    /// The next frame that means something. An end without a closing frame is an error.
    pub async fn next(&mut self) -> io::Result<Frame> {
        loop {
            let (kind, message) = self.frame().await?;
            match kind {
                CLOSE => {
                    let code = message.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                    return Ok(Frame::Close(code));
                }
                9 => self.send(10, &message).await?,
                10 => {}
                _ => return Ok(Frame::Message(message)),
            }
        }
    }

    /// Closes in the way of the protocol: says so, and waits for the other side to say so, too.
    pub async fn close(mut self) -> io::Result<()> {
        self.send(CLOSE, &1000_u16.to_be_bytes()).await?;
        while self.next().await? != Frame::Close(Some(1000)) {}
        Ok(())
    }

    async fn send(&mut self, kind: u8, message: &[u8]) -> io::Result<()> {
        // A mask of zeros is a mask; what it is for, confusing old caches, is of no concern here.
        let length = u8::try_from(message.len()).ok().filter(|length| *length < 126);
        let length = length.ok_or_else(|| io::Error::other("a message of a test is short"))?;
        let mut frame = vec![0x80 | kind, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(message);
        self.stream.write_all(&frame).await
    }

    async fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((length, frame)) = parse(&self.received) {
                self.received.drain(..length);
                return Ok(frame);
            }
            timeout(PATIENCE, self.receive())
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
    }

    async fn receive(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The first frame of a server, which never masks, and how long it is; none while it is incomplete.
fn parse(bytes: &[u8]) -> Option<(usize, (u8, Vec<u8>))> {
    let (kind, short) = (*bytes.first()? & 0x0f, usize::from(*bytes.get(1)? & 0x7f));
    let (begin, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        short => (2, short),
    };
    let message = bytes.get(begin..begin + length)?;
    Some((begin + length, (kind, message.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::{CLOSE, TEXT, parse};

    #[test]
    fn frames_are_read_one_by_one() {
        let bytes = [0x80 | TEXT, 2, b'h', b'i', 0x80 | CLOSE, 2, 3, 0xe8];
        assert_eq!(parse(&bytes), Some((4, (TEXT, b"hi".to_vec()))));
        assert_eq!(parse(&bytes[4..]), Some((4, (CLOSE, vec![3, 0xe8]))));
        assert_eq!(parse(&bytes[4..7]), None);
        assert_eq!(parse(&[]), None);
    }
}
