//! Idle connections to backends, one pool a thread.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    time::Duration,
};

use super::link::Link;
use crate::clock::millis;

/// Idle links by member, the one that was used last on top: the others may get old and be closed.
#[derive(Debug)]
pub(crate) struct Pool {
    #[expect(
        clippy::vec_box,
        reason = "links live on the heap from their connect on; to move them would cost more"
    )]
    idle: RefCell<HashMap<u64, Vec<Box<Link>>, BuildHasherDefault<Identity>>>,
    limit: usize,
    age_ms: u64,
}

impl Pool {
    /// A pool that keeps so many links to one member, for so long.
    pub(crate) fn new(limit: usize, age: Duration) -> Self {
        Self { idle: RefCell::default(), limit, age_ms: millis(age) }
    }

    /// An idle link to a member.
    pub(crate) fn take(&self, member: u64, now_ms: u64) -> Option<Box<Link>> {
        let mut idle = self.idle.borrow_mut();
        let links = idle.get_mut(&member)?;
        while let Some(link) = links.pop() {
            if self.is_young(&link, now_ms) && link.is_quiet() {
                return Some(link);
            }
        }
        None
    }

    /// Keeps a link whose answer is over.
    pub(crate) fn put(&self, mut link: Box<Link>, now_ms: u64) {
        if link.member.has_left() || !link.inbox.is_empty() {
            return;
        }
        link.deadline.clear();
        link.shrink();
        link.is_used = true;
        link.idle_since_ms = now_ms;
        let mut idle = self.idle.borrow_mut();
        let links = idle.entry(link.member.id).or_default();
        if links.len() < self.limit {
            links.push(link);
        }
    }

    /// Closes all idle links to a member: one of them turned out to be dead.
    pub(crate) fn forget(&self, member: u64) {
        self.idle.borrow_mut().remove(&member);
    }

    /// Closes what is too old, was closed by the backend, or belongs to a member that left.
    pub(crate) fn sweep(&self, now_ms: u64) {
        self.idle.borrow_mut().retain(|_, links| {
            links.retain(|link| !link.member.has_left() && self.is_young(link, now_ms) && link.is_quiet());
            !links.is_empty()
        });
    }

    fn is_young(&self, link: &Link, now_ms: u64) -> bool {
        now_ms.saturating_sub(link.idle_since_ms) < self.age_ms
    }
}

/// Members' ids are counted up by us: nobody can make them collide, so they are their own hash.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        // The table takes its control bits from the top.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}
