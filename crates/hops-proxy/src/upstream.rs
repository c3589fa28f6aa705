//! One app's backends: who gets the next request, who left and is drained.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::{
    counters::Counters,
    drain::Draining,
    member::{InFlight, Member},
    settings::{Balance, DrainTimes},
};

/// Where requests can be sent, and what stands in log and metrics for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it is a part of: a label for log and metrics.
    pub release: String,
}

/// The backends behind one or more routes.
#[derive(Debug)]
pub struct Upstream {
    name: String,
    balance: Balance,
    drain: DrainTimes,
    members: ArcSwap<Vec<Arc<Member>>>,
    /// Also who may write to `members`.
    releases: Mutex<Vec<Release>>,
    /// Of requests that found no backend.
    counters: Arc<Counters>,
    next: AtomicUsize,
}

/// How many releases are counted apart; of older ones the counters end.
const RELEASES: usize = 8;

/// A release that has or had backends here.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) counters: Arc<Counters>,
}

impl Upstream {
    /// An upstream without backends, balanced and drained by default. The name is a label for log and metrics.
    pub fn new(name: &str) -> Arc<Self> {
        Self::with(name, Balance::default(), DrainTimes::default())
    }

    /// An upstream without backends.
    pub fn with(name: &str, balance: Balance, drain: DrainTimes) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            balance,
            drain,
            members: ArcSwap::default(),
            releases: Mutex::default(),
            counters: Arc::default(),
            next: AtomicUsize::new(0),
        })
    }

    /// The name in log and metrics.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The backends from now on. Those that left get no new request and are drained; those that stay notice nothing.
    pub fn set(&self, backends: Vec<Backend>) -> Draining {
        let mut releases = self.releases();
        let before = self.members.load_full();
        let mut after: Vec<Arc<Member>> = Vec::with_capacity(backends.len());
        for backend in backends {
            if after.iter().any(|member| member.backend == backend) {
                continue;
            }
            let stays = before.iter().find(|member| member.backend == backend);
            after.push(stays.map_or_else(
                || {
                    let counters = counters(&mut releases, &backend.release);
                    Member::new(backend, self.drain, counters)
                },
                Arc::clone,
            ));
        }
        let left =
            before.iter().filter(|old| !after.iter().any(|new| Arc::ptr_eq(old, new))).cloned().collect();
        self.members.store(Arc::new(after));
        let draining = Draining(left);
        for member in &draining.0 {
            member.leave();
        }
        draining
    }

    /// The backends that get requests now.
    pub fn backends(&self) -> Vec<Backend> {
        self.members.load().iter().map(|member| member.backend.clone()).collect()
    }

    /// The counters of requests that found no backend.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The releases that are counted, oldest first, each with the requests in flight to it.
    pub(crate) fn counted(&self) -> Vec<(Release, usize)> {
        let releases = self.releases().clone();
        let members = self.members.load();
        let in_flight = |name: &str| {
            members.iter().filter(|it| it.backend.release == name).map(|it| it.in_flight()).sum::<usize>()
        };
        releases.into_iter().map(|release| (release.clone(), in_flight(&release.name))).collect()
    }

    fn releases(&self) -> MutexGuard<'_, Vec<Release>> {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses a backend for a request and counts the request in. `tried` are those that refused it already.
    pub(crate) fn choose(&self, tried: &[u64], now_ms: u64) -> Option<InFlight> {
        loop {
            let members = self.members.load();
            let member = match members.as_slice() {
                [] => return None,
                [only] => (!tried.contains(&only.id)).then_some(only)?,
                all => self.pick(all, tried, now_ms)?,
            };
            // A member that left since the table was read: the table is another by now.
            if let Some(guard) = member.enter() {
                return Some(guard);
            }
        }
    }

    fn pick<'m>(&self, all: &'m [Arc<Member>], tried: &[u64], now_ms: u64) -> Option<&'m Arc<Member>> {
        let start = match self.balance {
            Balance::RoundRobin => self.next.fetch_add(1, Ordering::Relaxed) % all.len(),
            Balance::LeastInFlight => {
                let one = fastrand::usize(..all.len());
                let other = (one + fastrand::usize(1..all.len())) % all.len();
                if all[other].in_flight() < all[one].in_flight() { other } else { one }
            }
        };
        let first = &all[start];
        if !first.is_shunned(now_ms) && !tried.contains(&first.id) {
            return Some(first);
        }
        // The chosen one refused a moment ago: any other first, it itself if nobody else is left.
        let from_there =
            || all.iter().cycle().skip(start).take(all.len()).filter(|it| !tried.contains(&it.id));
        from_there().find(|it| !it.is_shunned(now_ms)).or_else(|| from_there().next())
    }
}

/// The counters of a release: those it has, or new ones.
fn counters(releases: &mut Vec<Release>, name: &str) -> Arc<Counters> {
    if let Some(known) = releases.iter().find(|release| release.name == name) {
        return Arc::clone(&known.counters);
    }
    if releases.len() == RELEASES {
        releases.remove(0);
    }
    let new = Release { name: name.to_owned(), counters: Arc::default() };
    releases.push(new.clone());
    new.counters
}

#[cfg(test)]
mod tests;
