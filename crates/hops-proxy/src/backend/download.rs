//! An answer's body on its way from a backend.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::Frame;

use super::{
    chunked::{Chunked, Piece},
    head::Framing,
    link::{Fault, Link},
};

/// Where in an answer's body the reader is.
#[derive(Debug)]
pub(crate) enum Download {
    /// So many bytes are left.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// Until the connection ends.
    UntilClose,
}

impl Download {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::Length(0),
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunked::Size),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Whether the body is over.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunked::Done))
    }

    /// The length that is left, where it is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(Chunked::Done) => Some(0),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// The whole body, when it has been read with the head.
    pub(crate) fn at_once(&mut self, link: &mut Link) -> Option<Bytes> {
        let Self::Length(left) = self else { return None };
        let length = usize::try_from(*left).ok().filter(|length| *length <= link.inbox.len())?;
        *left = 0;
        Some(link.inbox.split_to(length).freeze())
    }

    /// The next part of the body; `None` when it is over.
    pub(crate) fn poll(
        &mut self,
        link: &mut Link,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        loop {
            match self {
                Self::Length(0) | Self::Chunked(Chunked::Done) => return Poll::Ready(None),
                Self::Length(left) if !link.inbox.is_empty() => {
                    let there = link.inbox.len();
                    let take = usize::try_from(*left).map_or(there, |left| left.min(there));
                    *left -= take as u64;
                    return Poll::Ready(Some(Ok(Frame::data(link.inbox.split_to(take).freeze()))));
                }
                Self::UntilClose if !link.inbox.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(link.inbox.split().freeze()))));
                }
                Self::Chunked(chunked) => match chunked.decode(&mut link.inbox) {
                    Ok(None) => {}
                    Ok(Some(Piece::Data(data))) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(Some(Piece::Trailers(trailers))) => {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Ok(Some(Piece::End)) => return Poll::Ready(None),
                    Err(error) => return Poll::Ready(Some(Err(Fault::Malformed(error)))),
                },
                Self::Length(_) | Self::UntilClose => {}
            }
            match ready!(link.poll_fill(cx)) {
                Ok(0) if matches!(self, Self::UntilClose) => {
                    *self = Self::Length(0);
                    return Poll::Ready(None);
                }
                Ok(0) => return Poll::Ready(Some(Err(Fault::Closed))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(Fault::Broken(error)))),
            }
        }
    }
}
