//! A connection after an upgrade: bytes both ways, until a side closes or its time is over.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use crate::{
    backend::Link,
    record::Record,
    stream::ClientStream,
    websocket::{Frames, GOING_AWAY, GOING_AWAY_MASKED},
    worker::Worker,
};

const READ: usize = 16 * 1024;
/// How long a side may take to end its frame, to answer a close, to close after the other one did.
const CLOSING: Duration = Duration::from_secs(1);

/// The backend's side of an upgraded connection, and the request's account.
#[derive(Debug)]
pub(crate) struct Tunnel {
    link: Box<Link>,
    record: Record,
    is_websocket: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct Pipe {
    buffer: BytesMut,
    /// Only where frames are understood.
    frames: Option<Frames>,
    /// What is said at the next border between frames, before the end.
    farewell: Option<&'static [u8]>,
    is_closing: bool,
    state: PipeState,
    moved: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PipeState {
    #[default]
    Open,
    /// Nothing more is read; what was read is written, and then the end.
    Ending,
    Ended,
}

impl Tunnel {
    pub(crate) fn new(link: Box<Link>, record: Record, is_websocket: bool) -> Self {
        Self { link, record, is_websocket }
    }

    /// Copies until both sides have ended.
    ///
    /// When the backend leaves its upstream, or the proxy stops, the connection has
    /// [`DrainTimes::upgraded`](crate::DrainTimes) left. Then a WebSocket is told "going away" on both sides at the
    /// next border between two frames; every other protocol sees the end of the stream.
    pub(crate) async fn run(mut self, mut client: ClientStream, worker: &Rc<Worker>) {
        let timeouts = &worker.settings.timeouts;
        let frames = || self.is_websocket.then(Frames::default);
        let mut down = Pipe { frames: frames(), farewell: Some(GOING_AWAY), ..Pipe::default() };
        let mut up = Pipe { frames: frames(), farewell: Some(GOING_AWAY_MASKED), ..Pipe::default() };
        // What the backend said together with its head.
        down.take(std::mem::take(&mut self.link.inbox), false);

        let member = std::sync::Arc::clone(&self.link.member);
        let mut leaves = std::pin::pin!(async {
            tokio::select! {
                () = member.left() => {}
                () = worker.stop.cancelled() => {}
            }
        });
        let mut has_notice = false;
        let limit = worker.clock.deadline();
        let quiet = worker.clock.deadline();
        quiet.set(timeouts.upgraded_idle);

        std::future::poll_fn(|cx| {
            if !has_notice && leaves.as_mut().poll(cx).is_ready() {
                has_notice = true;
                limit.set(member.drain.upgraded);
            }
            if limit.poll(cx).is_ready() || quiet.poll(cx).is_ready() {
                if down.is_closing {
                    return Poll::Ready(());
                }
                (down.is_closing, up.is_closing) = (true, true);
                limit.set(CLOSING);
                quiet.clear();
                let _ = (limit.poll(cx), quiet.poll(cx));
            }
            let moved = up.moved + down.moved;
            let first = up.poll(cx, &mut client, &mut self.link.io);
            let second = down.poll(cx, &mut self.link.io, &mut client);
            let (Ok(first), Ok(second)) = (first, second) else { return Poll::Ready(()) };
            if up.moved + down.moved > moved && !down.is_closing {
                quiet.set(timeouts.upgraded_idle);
            }
            if first.is_ready() && second.is_ready() {
                return Poll::Ready(());
            }
            if second.is_ready() && !has_notice && !down.is_closing {
                // The backend has ended: what the client still says, nobody hears for long.
                down.is_closing = true;
                limit.set(CLOSING);
                let _ = limit.poll(cx);
            }
            Poll::Pending
        })
        .await;
        self.record.received += up.moved;
        self.record.sent += down.moved;
    }
}

impl Pipe {
    /// Ready when this direction has ended.
    fn poll<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Result<Poll<()>, io::Error> {
        match self.poll_inner(cx, from, to) {
            Poll::Ready(result) => result.map(Poll::Ready),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    fn poll_inner<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.buffer.is_empty() {
                let count = ready!(Pin::new(&mut *to).poll_write(cx, &self.buffer))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.buffer.advance(count);
                self.moved += count as u64;
            }
            match self.state {
                PipeState::Open if self.is_closing && self.is_between() => self.end(),
                PipeState::Open => {
                    ready!(Pin::new(&mut *to).poll_flush(cx))?;
                    let mut read = std::mem::take(&mut self.buffer);
                    read.reserve(READ);
                    let polled = poll_read_buf(Pin::new(&mut *from), cx, &mut read);
                    match polled {
                        Poll::Ready(Ok(0)) => self.state = PipeState::Ending,
                        Poll::Ready(Ok(_)) => self.take(read, self.is_closing),
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        // An idle connection keeps no buffer.
                        Poll::Pending => return Poll::Pending,
                    }
                }
                PipeState::Ending => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    self.state = PipeState::Ended;
                }
                PipeState::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    fn is_between(&self) -> bool {
        self.frames.as_ref().is_none_or(Frames::is_between)
    }

    /// Takes what was read; up to the end of the present frame only, when this direction is closing.
    fn take(&mut self, mut read: BytesMut, is_closing: bool) {
        if let Some(frames) = &mut self.frames {
            let count = frames.pass(&read, is_closing);
            read.truncate(count);
        }
        self.buffer = read;
    }

    /// Says farewell, where there is a way to, and ends.
    fn end(&mut self) {
        if let (Some(frames), Some(farewell)) = (&self.frames, self.farewell.take())
            && !frames.has_closed
        {
            self.buffer.extend_from_slice(farewell);
        }
        self.state = PipeState::Ending;
    }
}
