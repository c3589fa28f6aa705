//! Waiting for those who left an upstream.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::member::Member;

/// Upgraded connections close by themselves when their time is over; this is for the close to travel.
const CLOSING: Duration = Duration::from_secs(2);

/// The backends that left an upstream, while they finish.
///
/// They get no new request from the moment [`Upstream::set`](crate::Upstream::set) returned. Dropping this changes
/// nothing for them; it is only the way to wait.
#[derive(Debug)]
#[must_use = "a backend may be stopped when its drain is `finished`, not before"]
pub struct Draining(pub(crate) Vec<Arc<Member>>);

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Requests and upgraded connections that were still there when the time was over. Nothing cuts them but the
    /// end of their backend.
    pub unfinished: usize,
}

impl Draining {
    /// Waits until all requests of those who left are done, or the time for it is over.
    ///
    /// Upgraded connections get [`DrainTimes::upgraded`](crate::DrainTimes) and then a proper close.
    pub async fn finished(self) -> Drained {
        let limit =
            self.0.iter().map(|member| member.drain.requests.max(member.drain.upgraded + CLOSING)).max();
        let all = async {
            for member in &self.0 {
                member.idle().await;
            }
        };
        if let Some(limit) = limit {
            // Whether it was in time is seen by what is left.
            let _ = timeout(limit, all).await;
        }
        Drained { unfinished: self.0.iter().map(|member| member.in_flight()).sum() }
    }

    /// Whether nobody left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
