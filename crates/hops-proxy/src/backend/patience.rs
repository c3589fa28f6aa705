//! How long a request may take to be sent, and then its answer to begin.

use std::{cell::Cell, sync::Arc, time::Duration};

use super::{
    link::{Fault, Link},
    upload::Upload,
};
use crate::settings::Settings;

/// Looked at only when the link's deadline is reached: what moves costs nothing.
///
/// A body is not only to move but to move at a pace: a backend has few hands, and a client that sends a byte a minute
/// would hold one of them for ever.
#[derive(Debug)]
pub(crate) struct Patience {
    settings: Arc<Settings>,
    /// How much of the body had been sent when it was last looked at; none once it is the backend's turn.
    sent: Cell<Option<u64>>,
}

impl Patience {
    /// For a request that is about to be sent over a link.
    pub(crate) fn new(link: &Link, upload: &Upload, settings: &Arc<Settings>) -> Self {
        let patience = Self { settings: Arc::clone(settings), sent: Cell::new(Some(0)) };
        patience.next(link, upload);
        patience
    }

    /// Called when the link's deadline is reached: whether there is another one.
    pub(super) fn ends(&self, link: &Link, upload: &Upload) -> Option<Fault> {
        match self.sent.get() {
            Some(before) if !upload.is_done() && upload.sent - before < self.least() => {
                Some(if upload.waits_for_backend() { Fault::Timeout } else { Fault::ClientTimeout })
            }
            Some(_) => {
                self.next(link, upload);
                None
            }
            None => Some(Fault::Timeout),
        }
    }

    fn next(&self, link: &Link, upload: &Upload) {
        let timeouts = &self.settings.timeouts;
        self.sent.set((!upload.is_done()).then_some(upload.sent));
        link.deadline.set(if upload.is_done() { timeouts.response } else { timeouts.stall });
    }

    /// What is to be sent from one look to the next; at least something.
    fn least(&self) -> u64 {
        let stall: Duration = self.settings.timeouts.stall;
        stall.as_secs().saturating_mul(self.settings.limits.body_bytes_per_second).max(1)
    }
}
