//! One backend while it belongs to an upstream, and what is in flight to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{counters::Counters, settings::DrainTimes, upstream::Backend};

/// One backend's membership in an upstream, from [`set`](crate::Upstream::set) to `set`.
///
/// A backend that leaves and comes back is a new member: the old one's requests are counted, and its pooled
/// connections known, apart. (An address can be given to another container; a membership cannot.)
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) backend: Backend,
    /// Never given twice in a process; what pools know it by.
    pub(crate) id: u64,
    pub(crate) drain: DrainTimes,
    /// Those of its release, shared with the members of the same one.
    pub(crate) counters: Arc<Counters>,
    in_flight: AtomicUsize,
    has_left: AtomicBool,
    /// Told to every upgraded connection when the member leaves.
    left: CancellationToken,
    /// Rung when the last request of a member that has left is done.
    idle: Notify,
    /// When it is tried again after it refused, on the clock of [`crate::clock`].
    shunned_until_ms: AtomicU64,
}

impl Member {
    pub(crate) fn new(backend: Backend, drain: DrainTimes, counters: Arc<Counters>) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            backend,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            drain,
            counters,
            in_flight: AtomicUsize::new(0),
            has_left: AtomicBool::new(false),
            left: CancellationToken::new(),
            idle: Notify::new(),
            shunned_until_ms: AtomicU64::new(0),
        })
    }

    /// Counts one request in, unless the member has left.
    ///
    /// First counted, then looked whether it may: whoever drains looks the other way round, so that one of both sees
    /// the other. (Hence sequential consistency.)
    pub(crate) fn enter(self: &Arc<Self>) -> Option<InFlight> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let guard = InFlight(Arc::clone(self));
        (!self.has_left.load(Ordering::SeqCst)).then_some(guard)
    }

    /// From now on no request enters.
    pub(crate) fn leave(&self) {
        self.has_left.store(true, Ordering::SeqCst);
        self.left.cancel();
    }

    /// Whether it has left.
    pub(crate) fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }

    /// Waits until it leaves.
    pub(crate) async fn left(&self) {
        self.left.cancelled().await;
    }

    /// Requests and upgraded connections in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Waits until nothing is in flight. Only for a member that has left.
    pub(crate) async fn idle(&self) {
        loop {
            let rung = self.idle.notified();
            if self.in_flight() == 0 {
                return;
            }
            rung.await;
        }
    }

    /// It refused a connection: others are preferred for a while.
    pub(crate) fn shun(&self, now_ms: u64, pause: Duration) {
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.shunned_until_ms.store(now_ms.saturating_add(pause_ms), Ordering::Relaxed);
    }

    /// It answered: preferred again.
    pub(crate) fn forgive(&self) {
        // Read before written: the line stays shared between threads in the usual case.
        if self.shunned_until_ms.load(Ordering::Relaxed) != 0 {
            self.shunned_until_ms.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_shunned(&self, now_ms: u64) -> bool {
        self.shunned_until_ms.load(Ordering::Relaxed) > now_ms
    }
}

/// One request, or one upgraded connection, in flight to a member; counted out when dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Member>);

impl InFlight {
    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let last = self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && self.0.has_left.load(Ordering::SeqCst) {
            self.0.idle.notify_waiters();
        }
    }
}
