//! What is known of an appling's instances, cut down to what decides.

use hops_model::{ApplingName, Cause};

use crate::probe::Answer;

/// One instance: the appling's own container with its sidecars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Its name.
    pub(crate) name: String,
    /// What it is doing.
    pub(crate) stage: Stage,
    /// How often one of its processes was started again.
    pub(crate) restarts: u32,
    /// How a process of it ended last.
    pub(crate) exit: Option<Exit>,
    /// The last bad answer of a path since its process started; none once it gave a good one.
    pub(crate) told: Option<Told>,
}

/// What an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its containers are made; with what went wrong so far.
    Creating(Option<Trouble>),
    /// Its containers start, or wait for a sidecar to work.
    Starting(Option<ApplingName>),
    /// Its process runs, but takes no requests.
    Running,
    /// It takes requests.
    Ready,
    /// A process ended, and will be started again.
    Exited,
}

/// Why an instance is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The words.
    pub(crate) cause: Cause,
    /// Whether trying again can only fail again, as far as HOPS knows.
    pub(crate) is_certain: bool,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The sidecar that it was; none for the appling's own.
    pub(crate) sidecar: Option<ApplingName>,
    /// Its code; above 128 the signal that ended it.
    pub(crate) code: i64,
    /// Whether it took more memory than it may.
    pub(crate) is_out_of_memory: bool,
}

/// A bad answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// What was asked for.
    pub(crate) asked: Asked,
    /// The answer.
    pub(crate) answer: Answer,
}

/// What a probe asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The readiness path.
    Readiness,
    /// The liveness path, before its first good answer.
    Liveness,
    /// The startup path of a sidecar.
    Startup(ApplingName),
}

impl View {
    /// An instance that is about to be made.
    pub(crate) fn new(name: String) -> Self {
        Self { name, stage: Stage::Creating(None), restarts: 0, exit: None, told: None }
    }

    /// Whether it takes requests.
    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }
}
