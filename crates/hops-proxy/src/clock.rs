//! A coarse clock and deadlines, one set a thread.
//!
//! Almost no deadline is ever reached. So they are numbers in a slab that a tick looks through ten times a second,
//! not timers: to set or clear one is one store.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use slab::Slab;

/// How exact deadlines are.
pub(crate) const TICK: Duration = Duration::from_millis(100);

const NEVER: u64 = u64::MAX;

/// Milliseconds on a clock that is the same on all threads, starts with the process and never goes back.
pub(crate) fn precise_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // One second ahead: zero is never "now".
    1_000 + millis(START.elapsed())
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

/// The deadlines of one thread, and its clock.
#[derive(Debug)]
pub(crate) struct Clock {
    now_ms: Cell<u64>,
    slots: RefCell<Slab<Slot>>,
}

#[derive(Debug)]
struct Slot {
    at_ms: u64,
    waker: Option<Waker>,
}

/// One deadline; unset at first. Its slot is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Deadline {
    key: usize,
    clock: Rc<Clock>,
}

impl Clock {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self { now_ms: Cell::new(precise_ms()), slots: RefCell::default() })
    }

    /// The time of the last tick.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    pub(crate) fn deadline(self: &Rc<Self>) -> Deadline {
        let key = self.slots.borrow_mut().insert(Slot { at_ms: NEVER, waker: None });
        Deadline { key, clock: Rc::clone(self) }
    }

    /// Moves the clock to `now_ms` and wakes whoever waits for a deadline that is reached.
    pub(crate) fn tick(&self, now_ms: u64) {
        self.now_ms.set(now_ms);
        self.wake(|slot| slot.at_ms <= now_ms);
    }

    /// Wakes everybody who waits for a deadline, so that they see that the proxy stops.
    pub(crate) fn wake_all(&self) {
        self.wake(|_| true);
    }

    fn wake(&self, is_due: impl Fn(&Slot) -> bool) {
        for (_, slot) in self.slots.borrow().iter().filter(|(_, slot)| is_due(slot)) {
            // On this runtime a wake only queues the task: nobody is polled, no slot changes, while it is borrowed.
            if let Some(waker) = &slot.waker {
                waker.wake_by_ref();
            }
        }
    }
}

impl Deadline {
    /// Sets it to `after` from now: never reached early, up to a tick late.
    pub(crate) fn set(&self, after: Duration) {
        // The clock stands still between two ticks, so "now" may be almost a tick later.
        self.at(self.clock.now_ms().saturating_add(millis(after + TICK)));
    }

    /// It is reached no more.
    pub(crate) fn clear(&self) {
        self.at(NEVER);
    }

    fn at(&self, at_ms: u64) {
        if let Some(slot) = self.clock.slots.borrow_mut().get_mut(self.key) {
            slot.at_ms = at_ms;
        }
    }

    /// Ready when it is reached. The task is also woken by [`Clock::wake_all`].
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut slots = self.clock.slots.borrow_mut();
        let Some(slot) = slots.get_mut(self.key) else { return Poll::Pending };
        if slot.at_ms <= self.clock.now_ms() {
            return Poll::Ready(());
        }
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            slot.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Runs `future` until the deadline.
    pub(crate) async fn limit<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => self.poll(cx).map(|()| None),
        })
        .await
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.clock.slots.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures::task::noop_waker_ref;

    use super::*;

    #[test]
    fn a_deadline_is_reached_at_its_tick_and_can_be_moved() {
        let clock = Clock::new();
        let start = clock.now_ms();
        let deadline = clock.deadline();
        let cx = Context::from_waker(noop_waker_ref());
        deadline.set(Duration::from_millis(500));
        clock.tick(start + 500);
        assert!(deadline.poll(&cx).is_pending());
        clock.tick(start + 600);
        assert!(deadline.poll(&cx).is_ready());
        deadline.set(Duration::from_millis(500));
        assert!(deadline.poll(&cx).is_pending());
        deadline.clear();
        clock.tick(start + 1_000_000);
        assert!(deadline.poll(&cx).is_pending());
    }

    #[test]
    fn a_dropped_deadline_leaves_nothing() {
        let clock = Clock::new();
        drop(clock.deadline());
        assert!(clock.slots.borrow().is_empty());
    }
}
