//! Clients' sockets, and what is learned from what moves on them.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::client::Client;

/// A client's connection: replays what was read before, and tells [`Client`] what moves.
pub(crate) struct ClientStream {
    socket: Socket,
    /// Read before, by whoever looked which protocol it is.
    pub(crate) prefix: Bytes,
    client: Rc<Client>,
}

/// Encrypted or not.
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Up to so many bytes, slices are put together before they are written.
const TOGETHER: usize = 1024;

/// The same call on either kind of socket.
macro_rules! socket {
    ($this:expr, $call:ident ( $($argument:expr),* )) => {
        match &mut $this.get_mut().socket {
            Socket::Plain(stream) => Pin::new(stream).$call($($argument),*),
            Socket::Tls(stream) => Pin::new(stream.as_mut()).$call($($argument),*),
        }
    };
}

impl ClientStream {
    pub(crate) fn new(socket: Socket, client: Rc<Client>) -> Self {
        Self { socket, prefix: Bytes::new(), client }
    }

    /// Puts bytes back before what is to be read next.
    pub(crate) fn unread(&mut self, bytes: &Bytes) {
        self.prefix =
            if self.prefix.is_empty() { bytes.clone() } else { [bytes, &self.prefix[..]].concat().into() };
    }

    /// Waits for the client to send something and puts it aside. False when it closed instead.
    pub(crate) async fn peek(&mut self) -> io::Result<bool> {
        std::future::poll_fn(|cx| {
            // On the stack of this call, not in the task: thousands of idle connections wait here.
            let mut bytes = [0; 2048];
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(match &mut self.socket {
                Socket::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                Socket::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut buffer),
            })?;
            let read = buffer.filled();
            self.client.has_read(read.len());
            if !read.is_empty() {
                self.prefix = [&self.prefix, read].concat().into();
            }
            Poll::Ready(Ok(!read.is_empty()))
        })
        .await
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prefix.is_empty() {
            let count = self.prefix.len().min(buffer.remaining());
            buffer.put_slice(&self.prefix[..count]);
            self.prefix.advance(count);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(socket!(self.as_mut(), poll_read(cx, buffer)))?;
        self.client.has_read(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = socket!(self.as_mut(), poll_write(cx, bytes));
        self.client.has_written(result.is_pending());
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut together = [0; TOGETHER];
        let length = slices.iter().map(|slice| slice.len()).sum();
        // A small answer's head and body: to copy them costs less than what the kernel does more for two slices.
        let result = if slices.len() > 1 && length <= TOGETHER {
            let mut rest = together.as_mut_slice();
            for slice in slices {
                let (part, others) = rest.split_at_mut(slice.len());
                part.copy_from_slice(slice);
                rest = others;
            }
            socket!(self.as_mut(), poll_write(cx, &together[..length]))
        } else {
            socket!(self.as_mut(), poll_write_vectored(cx, slices))
        };
        self.client.has_written(result.is_pending());
        result
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(stream) => stream.is_write_vectored(),
            Socket::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = socket!(self.as_mut(), poll_flush(cx));
        self.client.has_written(result.is_pending());
        result
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        socket!(self, poll_shutdown(cx))
    }
}
