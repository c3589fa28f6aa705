//! What happens during a build, from the daemon's `Status` stream.

mod tracker;

use std::{fmt, sync::Arc, time::Duration};

pub(crate) use self::tracker::Tracker;

/// One step of a build, as the daemon divides it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Counted from 1 in the order in which steps started.
    pub number: usize,
    /// For instance `[2/4] RUN npm ci`.
    pub name: Arc<str>,
}

impl Step {
    /// Whether it is the daemon's own (reading the Dockerfile, sending files), rather than the Dockerfile's.
    pub fn is_internal(&self) -> bool {
        !self.name.starts_with('[') || self.name.starts_with("[internal]") || self.name.starts_with("[auth]")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.number, self.name)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A step began; or went on after it had finished, since the daemon first works out what a step depends on.
    Started {
        /// Which.
        step: Step,
    },
    /// A step ended. Each that began does, unless the build is cut off; the last time counts.
    Finished {
        /// Which.
        step: Step,
        /// How.
        outcome: Outcome,
        /// Of its work so far.
        duration: Duration,
    },
    /// A step printed a line.
    Log {
        /// Which.
        step: Step,
        /// Without its end. Of a line rewritten with carriage returns, the last state. Not UTF-8: replaced.
        line: String,
    },
    /// Part of a step (a layer pulled or pushed, files sent) moved on.
    Moved {
        /// Which.
        step: Step,
        /// The part, for instance `transferring context:`.
        part: String,
        /// Done so far; bytes, mostly.
        current: u64,
        /// All there is, where known, else 0.
        total: u64,
        /// Whether the part is finished.
        is_done: bool,
    },
    /// The frontend found something in the Dockerfile that is allowed but unwise.
    Warning {
        /// In one line.
        message: String,
        /// The first line that it is about.
        line: Option<u32>,
        /// Where it is explained.
        url: Option<String>,
    },
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Its result was there already.
    Cached,
    /// Not finished because something else failed.
    Cancelled,
    /// Failed.
    Failed {
        /// The daemon's words.
        message: String,
    },
}
