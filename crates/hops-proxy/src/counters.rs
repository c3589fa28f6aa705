//! What is counted of a release's requests, sharded so that threads do not write to one cache line.

use std::{
    array,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

const SHARDS: usize = 8;

/// Upper bounds of the duration histogram, in seconds.
pub(crate) const BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const BOUNDS_US: [u64; 12] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
];

/// Counters of requests that were answered.
#[derive(Debug)]
pub(crate) struct Counters([Shard; SHARDS]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    /// By the first digit of the status; unknown ones are the first.
    classes: [AtomicU64; 6],
    received: AtomicU64,
    sent: AtomicU64,
    /// One more than bounds: those beyond all.
    durations: [AtomicU64; BOUNDS.len() + 1],
    duration_us: AtomicU64,
}

/// The sum of all shards at one time.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) classes: [u64; 6],
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) durations: [u64; BOUNDS.len() + 1],
    pub(crate) duration_us: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self(array::from_fn(|_| Shard::default()))
    }
}

impl Counters {
    /// Counts one request.
    pub(crate) fn count(&self, status: u16, received: u64, sent: u64, duration: Duration) {
        thread_local! {
            static SHARD: usize = {
                static NEXT: AtomicUsize = AtomicUsize::new(0);
                NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS
            };
        }
        let shard = &self.0[SHARD.with(|shard| *shard)];
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < duration_us);
        let class = usize::from(status / 100);
        add(&shard.classes[if class < shard.classes.len() { class } else { 0 }], 1);
        // An upgraded connection lasts as long as people talk: that says nothing about answers.
        if status != 101 {
            add(&shard.durations[bucket], 1);
            add(&shard.duration_us, duration_us);
        }
        if received > 0 {
            add(&shard.received, received);
        }
        if sent > 0 {
            add(&shard.sent, sent);
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for shard in &self.0 {
            sum(&mut totals.classes, &shard.classes);
            sum(&mut totals.durations, &shard.durations);
            totals.received += shard.received.load(Ordering::Relaxed);
            totals.sent += shard.sent.load(Ordering::Relaxed);
            totals.duration_us += shard.duration_us.load(Ordering::Relaxed);
        }
        totals
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn sum(totals: &mut [u64], counters: &[AtomicU64]) {
    for (total, counter) in totals.iter_mut().zip(counters) {
        *total += counter.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_class_bytes_and_duration() {
        let counters = Counters::default();
        counters.count(204, 10, 20, Duration::from_millis(1));
        counters.count(503, 0, 5, Duration::from_mins(1));
        let totals = counters.totals();
        assert_eq!(totals.classes, [0, 0, 1, 0, 0, 1]);
        assert_eq!((totals.received, totals.sent), (10, 25));
        assert_eq!((totals.durations[0], totals.durations[BOUNDS.len()]), (1, 1));
        assert_eq!(totals.duration_us, 60_001_000);
    }
}
