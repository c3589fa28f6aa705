//! A request on its way to a backend.

use std::{
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hyper::{
    HeaderMap,
    body::{Body, Incoming},
};
use tokio::io::AsyncWrite;

use super::{
    head::{Framing, field},
    link::{Fault, Link},
};

/// The part of a request that is still to be sent.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Option<Incoming>,
    is_chunked: bool,
    chunk: Bytes,
    tail: &'static [u8],
    /// Whether anything of the body was taken from the client.
    pub(crate) is_touched: bool,
    state: State,
    /// Whether the body has been given the chance to go out with the head.
    has_waited: bool,
    /// Bytes of the body.
    pub(crate) sent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sending,
    Sent,
    Abandoned,
}

impl Upload {
    /// The upload of a body, whose framing is in the head.
    pub(crate) fn new(body: Incoming, framing: Framing) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        Self {
            has_waited: body.is_none(),
            body,
            is_chunked: framing == Framing::Chunked,
            chunk: Bytes::new(),
            tail: b"",
            is_touched: false,
            state: State::Sending,
            sent: 0,
        }
    }

    /// Whether the client has sent everything.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_none()
    }

    /// Whether the backend does not take what is there for it.
    pub(super) fn waits_for_backend(&self) -> bool {
        !self.chunk.is_empty()
    }

    /// The rest is not sent: the backend does not want it.
    pub(crate) fn abandon(&mut self) {
        self.is_touched |= self.body.take().is_some();
        self.state = State::Abandoned;
    }

    /// From the start, over another link. Only for what was not touched.
    pub(crate) fn again(&mut self) {
        self.state = State::Sending;
    }

    /// Whether there is nothing left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.state != State::Sending
    }

    /// Whether the backend was sent everything.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Sent
    }

    /// Sends what can be sent; ready when everything is.
    pub(crate) fn poll(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.is_over() {
            return Poll::Ready(Ok(()));
        }
        loop {
            if self.has_waited {
                ready!(self.poll_flush(link, cx))?;
            }
            let Some(body) = &mut self.body else {
                self.state = State::Sent;
                return Poll::Ready(Ok(()));
            };
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending if self.has_waited => return Poll::Pending,
                Poll::Pending => {
                    // The body is asked for by this poll for the first time. If it lies in the server's buffer
                    // already, it is there after the next turn of this task and goes out with the head at once.
                    self.has_waited = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(frame) => {
                    self.has_waited = true;
                    self.is_touched = true;
                    self.stage(link, frame.transpose().map_err(Fault::Client)?);
                }
            }
        }
    }

    /// Puts a frame where the flush finds it.
    fn stage(&mut self, link: &mut Link, frame: Option<hyper::body::Frame<Bytes>>) {
        match frame.map(hyper::body::Frame::into_data) {
            Some(Ok(data)) if data.is_empty() => {}
            Some(Ok(data)) => {
                self.sent += data.len() as u64;
                if self.is_chunked {
                    link.push(format_args!("{:x}\r\n", data.len()));
                    self.tail = b"\r\n";
                }
                self.chunk = data;
            }
            Some(Err(frame)) => {
                if self.is_chunked {
                    link.push(format_args!("0\r\n"));
                    for (name, value) in &frame.into_trailers().unwrap_or_else(|_| HeaderMap::new()) {
                        field(&mut link.outbox, name.as_str().as_bytes(), value.as_bytes());
                    }
                    link.push(format_args!("\r\n"));
                }
                self.body = None;
            }
            None => {
                if self.is_chunked {
                    link.push(format_args!("0\r\n\r\n"));
                }
                self.body = None;
            }
        }
    }

    fn poll_flush(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        loop {
            let first = &link.outbox[link.outbox_sent..];
            let io = Pin::new(&mut link.io);
            let written = if self.chunk.is_empty() && self.tail.is_empty() {
                if first.is_empty() {
                    link.outbox.clear();
                    link.outbox_sent = 0;
                    return Poll::Ready(Ok(()));
                }
                io.poll_write(cx, first)
            } else {
                let slices = [IoSlice::new(first), IoSlice::new(&self.chunk), IoSlice::new(self.tail)];
                io.poll_write_vectored(cx, &slices)
            };
            let mut written = ready!(written).map_err(Fault::Broken)?;
            if written == 0 {
                return Poll::Ready(Err(Fault::Closed));
            }
            link.has_written = true;
            let head = written.min(link.outbox.len() - link.outbox_sent);
            link.outbox_sent += head;
            written -= head;
            let data = written.min(self.chunk.len());
            self.chunk.advance(data);
            self.tail = &self.tail[written - data..];
        }
    }
}

impl Link {
    /// Adds to what is to be written before the next chunk.
    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        use std::io::Write;
        // Writing to memory does not fail.
        let _ = self.outbox.write_fmt(text);
    }
}
