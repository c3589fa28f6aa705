//! One HTTP/1.1 connection to a backend.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use hyper::Method;
use tokio::net::TcpStream;
use tokio_util::io::poll_read_buf;

use super::{
    head::{self, Head},
    patience::Patience,
    upload::Upload,
};
use crate::{
    clock::{Clock, Deadline},
    member::Member,
    pages::Page,
};

/// What is read at once: from what a small answer needs to what makes system calls rare.
const READ: std::ops::RangeInclusive<usize> = 4 * 1024..=64 * 1024;

/// A connection and its buffers. It carries one request at a time.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) member: Arc<Member>,
    pub(crate) io: TcpStream,
    pub(crate) inbox: BytesMut,
    /// What is to be written of a head or of chunk borders.
    pub(super) outbox: Vec<u8>,
    pub(super) outbox_sent: usize,
    pub(crate) deadline: Deadline,
    /// Whether it carried a request before.
    pub(crate) is_used: bool,
    /// Whether any byte of the present request was written, of the present answer read.
    pub(crate) has_written: bool,
    pub(crate) has_read: bool,
    pub(super) idle_since_ms: u64,
    read_size: usize,
}

/// Why a backend's answer did not come, or did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("the backend closed the connection")]
    Closed,
    #[error("the backend does not speak HTTP: {0}")]
    Malformed(&'static str),
    #[error("HTTP/2 failed")]
    Http2(#[source] hyper::Error),
    #[error("the client's request ended early")]
    Client(#[source] hyper::Error),
    #[error("the client did not send its request in time")]
    ClientTimeout,
    #[error("no answer in time")]
    Timeout,
}

impl Fault {
    /// Whether nothing came back at all from who was to be connected to.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::ConnectTimeout => true,
            Self::Connect(error) => {
                matches!(error.kind(), io::ErrorKind::HostUnreachable | io::ErrorKind::TimedOut)
            }
            _ => false,
        }
    }

    /// What a visitor is told.
    pub(crate) fn page(&self) -> Page {
        match self {
            Self::Client(_) => Page::BadRequest,
            Self::ClientTimeout => Page::ClientTimeout,
            Self::Timeout => Page::Timeout,
            _ => Page::Failed,
        }
    }

    /// What stands in the access log.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::ConnectTimeout => "connect timeout",
            Self::Broken(_) => "connection broken",
            Self::Closed => "connection closed",
            Self::Malformed(_) => "malformed answer",
            Self::Http2(_) => "http2",
            Self::Client(_) => "request cut short",
            Self::ClientTimeout => "request timeout",
            Self::Timeout => "answer timeout",
        }
    }
}

impl Link {
    /// Connects to a member; a connection that takes longer than `timeout` is given up.
    pub(crate) async fn connect(
        member: &Arc<Member>,
        clock: &std::rc::Rc<Clock>,
        timeout: Duration,
    ) -> Result<Box<Self>, Fault> {
        let deadline = clock.deadline();
        deadline.set(timeout);
        let connected = deadline.limit(TcpStream::connect(member.backend.address)).await;
        let io = connected.ok_or(Fault::ConnectTimeout)?.map_err(Fault::Connect)?;
        io.set_nodelay(true).map_err(Fault::Connect)?;
        Ok(Box::new(Self {
            member: Arc::clone(member),
            io,
            inbox: BytesMut::new(),
            outbox: Vec::new(),
            outbox_sent: 0,
            deadline,
            is_used: false,
            has_written: false,
            has_read: false,
            idle_since_ms: 0,
            read_size: *READ.start(),
        }))
    }

    /// Makes the link ready for a request, whose head is written to the buffer by `write_head`.
    pub(crate) fn begin(&mut self, write_head: impl FnOnce(&mut Vec<u8>)) {
        self.has_written = false;
        self.has_read = false;
        self.outbox_sent = 0;
        write_head(&mut self.outbox);
    }

    /// Waits for an answer's head, sending the request meanwhile.
    pub(crate) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Upload,
        method: &Method,
        patience: &Patience,
    ) -> Poll<Result<Head, Fault>> {
        match upload.poll(self, cx) {
            // A backend may answer and close without reading all of the request: its answer counts.
            Poll::Ready(Err(Fault::Broken(_))) if self.has_written => upload.abandon(),
            Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        loop {
            while let Some(head) = head::read(&mut self.inbox, method).map_err(Fault::Malformed)? {
                // Interim answers say nothing that matters here: "100 Continue" was said to the client already.
                if !head.status.is_informational() || head.status.as_u16() == 101 {
                    return Poll::Ready(Ok(head));
                }
            }
            match self.poll_fill(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Fault::Closed)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Fault::Broken(error))),
                Poll::Pending if self.deadline.poll(cx).is_ready() => {
                    if let Some(fault) = patience.ends(self, upload) {
                        return Poll::Ready(Err(fault));
                    }
                    // The next deadline is to wake this task.
                    let _ = self.deadline.poll(cx);
                    return Poll::Pending;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads what there is into the inbox.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.capacity() - self.inbox.len() < self.read_size / 2 {
            self.inbox.reserve(self.read_size);
        }
        let room = self.inbox.capacity() - self.inbox.len();
        let count = ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.inbox))?;
        if count == room {
            self.read_size = (self.read_size * 2).min(*READ.end());
        }
        self.has_read |= count > 0;
        Poll::Ready(Ok(count))
    }

    /// Whether nothing came and nobody closed since the last answer ended.
    ///
    /// Costs no system call unless the runtime heard of something.
    pub(super) fn is_quiet(&self) -> bool {
        let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        self.inbox.is_empty() && self.io.try_read(&mut [0]).is_err_and(|error| would_block(&error))
    }

    /// Gives back what a big answer made grow.
    pub(super) fn shrink(&mut self) {
        self.read_size = *READ.start();
        if self.inbox.capacity() > 2 * READ.start() {
            self.inbox = BytesMut::new();
        }
    }
}
