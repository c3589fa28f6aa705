//! The body of an answer to a client, and everything that ends with it.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::{
    backend::{Download, Fault, Link, Upload},
    client::OpenRequest,
    record::Record,
    worker::Worker,
};

/// An answer's body.
pub(crate) struct Answer {
    source: Source,
    /// None when the account goes on elsewhere.
    record: Option<Record>,
    /// Dropped last: the client's connection is idle when everything about the request is over.
    _open: OpenRequest,
}

enum Source {
    /// All of it is here.
    Whole(Bytes),
    /// It comes over a link, which is polled by whoever polls the body.
    Link(Box<Flow>),
    /// It comes over HTTP/2.
    Http2(Box<Incoming>),
}

/// An answer that is on its way, and what may still go the other way.
pub(crate) struct Flow {
    pub(crate) link: Option<Box<Link>>,
    pub(crate) upload: Upload,
    pub(crate) download: Download,
    pub(crate) keeps_open: bool,
    pub(crate) worker: Rc<Worker>,
}

impl Answer {
    /// An answer that is here as a whole.
    pub(crate) fn whole(bytes: Bytes, record: Record, open: OpenRequest) -> Self {
        Self { source: Source::Whole(bytes), record: Some(record), _open: open }
    }

    /// An answer that comes over a link.
    pub(crate) fn flow(flow: Flow, record: Record, open: OpenRequest) -> Self {
        Self { source: Source::Link(Box::new(flow)), record: Some(record), _open: open }
    }

    /// An answer that comes over HTTP/2.
    pub(crate) fn http2(incoming: Incoming, record: Record, open: OpenRequest) -> Self {
        Self { source: Source::Http2(Box::new(incoming)), record: Some(record), _open: open }
    }
}

impl Answer {
    /// No body; the request's account is kept by somebody else.
    pub(crate) fn nothing(open: OpenRequest) -> Self {
        Self { source: Source::Whole(Bytes::new()), record: None, _open: open }
    }
}

impl Flow {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let Some(link) = &mut self.link else { return Poll::Ready(None) };
        if !self.upload.is_over() {
            match self.upload.poll(link, cx) {
                // The answer counts, whether or not the backend wants the rest of the request.
                Poll::Ready(Err(Fault::Broken(_))) => self.upload.abandon(),
                Poll::Ready(Err(fault)) => return Poll::Ready(Some(Err(fault))),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        let polled = self.download.poll(link, cx);
        if polled.is_ready() {
            link.deadline.set(self.worker.settings.timeouts.quiet);
        } else if link.deadline.poll(cx).is_ready() {
            return Poll::Ready(Some(Err(Fault::Timeout)));
        }
        polled
    }

    /// Gives the link back when both directions are over.
    pub(crate) fn finish(&mut self) {
        let is_whole = self.keeps_open && self.download.is_done() && self.upload.is_whole();
        if let Some(link) = self.link.take().filter(|_| is_whole) {
            self.worker.pool.put(link, self.worker.clock.now_ms());
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let Some(record) = &mut this.record else { return Poll::Ready(None) };
        let frame = match &mut this.source {
            Source::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Source::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Source::Link(flow) => {
                let frame = ready!(flow.poll(cx));
                record.received = flow.upload.sent;
                if frame.is_none() || flow.download.is_done() {
                    flow.finish();
                    record.leave();
                }
                frame
            }
            Source::Http2(incoming) => {
                ready!(Pin::new(incoming).poll_frame(cx)).map(|frame| frame.map_err(Fault::Http2))
            }
        };
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => {
                record.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                Ok(frame)
            }
            Err(fault) => {
                tracing::debug!(error = &fault as &dyn std::error::Error, "answer cut short");
                record.fault("answer cut short");
                Err(io::Error::other(fault))
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Link(flow) => flow.download.is_done(),
            Source::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Link(flow) => flow.download.left().map_or_else(SizeHint::new, SizeHint::with_exact),
            Source::Http2(incoming) => incoming.size_hint(),
        }
    }
}
