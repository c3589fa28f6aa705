//! What happens during a deploy, as it is told to people and programs.

use serde::{Deserialize, Serialize};

use crate::{ApplingName, Cause, CommitId, ImageRef, ReleaseNumber};

/// Something that happened during a deploy. Its JSON form is part of the command line's contract (design.md 8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Another deploy of the same app and environment is being done first.
    Queued,
    /// The deploy begins, or begins again after the server was away.
    Started {
        /// The commit that is deployed.
        commit: CommitId,
        /// First line of its message.
        subject: String,
        /// Whether the server took it up again after it had been away.
        resumed: bool,
    },
    /// Something in the files deserves a look, but does not stop the deploy.
    Warning {
        /// What, with file and line.
        message: String,
    },
    /// An appling's build began.
    BuildStarted {
        /// The appling.
        appling: ApplingName,
    },
    /// A build step changed its state.
    BuildStep {
        /// The appling.
        appling: ApplingName,
        /// The step, as the Dockerfile has it.
        step: String,
        /// Its state.
        state: StepState,
        /// How long it took, once it is over.
        duration_ms: Option<u64>,
    },
    /// A build step printed a line.
    BuildLog {
        /// The appling.
        appling: ApplingName,
        /// The line, without its end.
        line: String,
    },
    /// An appling's image is in the registry.
    Built {
        /// The appling.
        appling: ApplingName,
        /// The image.
        image: ImageRef,
        /// Whether it is that of an earlier build with the same input.
        reused: bool,
        /// How long it took.
        duration_ms: u64,
    },
    /// The release is written; from here on things change.
    Released {
        /// Its number.
        release: ReleaseNumber,
    },
    /// An appling's new containers are on their way.
    Rollout {
        /// The appling.
        appling: ApplingName,
        /// New containers that take requests.
        ready: u32,
        /// How many there are to be.
        wanted: u32,
        /// What is being waited for.
        message: String,
    },
    /// An appling runs as wanted.
    Live {
        /// The appling.
        appling: ApplingName,
        /// Where it is reached; none for a private one.
        url: Option<String>,
        /// From the beginning of its roll-out.
        duration_ms: u64,
    },
    /// An appling failed, in its build or its roll-out. Others go on.
    Failed {
        /// The appling.
        appling: ApplingName,
        /// Why.
        cause: Cause,
    },
    /// A failed appling is back at its last good form.
    Restored {
        /// The appling.
        appling: ApplingName,
        /// The release it is back at.
        release: ReleaseNumber,
    },
    /// The end. No event follows.
    Outcome(Outcome),
}

/// State of a build step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It runs.
    Started,
    /// Its result was already there.
    Cached,
    /// It is over.
    Done,
    /// It failed.
    Failed,
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// The release; none where the deploy failed before one was written.
    pub release: Option<ReleaseNumber>,
    /// What became of each appling.
    pub applings: Vec<ApplingOutcome>,
    /// Why the deploy as a whole failed, where that is not one appling's fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
}

/// What became of an appling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplingOutcome {
    /// The appling.
    pub name: ApplingName,
    /// How it ended.
    pub result: ApplingResult,
    /// Where it is reached; none for a private one.
    pub url: Option<String>,
    /// How long its roll-out took; none where there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
    /// The release that it is back at, where it failed and was restored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub restored: Option<ReleaseNumber>,
}

/// How a deploy ended for an appling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ApplingResult {
    /// The new form runs.
    Live,
    /// The new form does not run.
    Failed,
    /// It ran in this form already.
    Unchanged,
}

impl ApplingOutcome {
    /// An appling that failed before it was rolled out.
    pub fn failed(name: ApplingName, cause: Cause) -> Self {
        let result = ApplingResult::Failed;
        Self { name, result, url: None, duration_ms: None, cause: Some(cause), restored: None }
    }
}

impl Outcome {
    /// A deploy that failed as a whole.
    pub fn failed(cause: Cause) -> Self {
        Self { release: None, applings: Vec::new(), cause: Some(cause) }
    }

    /// Every cause there is: of the whole, then of each appling.
    pub fn causes(&self) -> impl Iterator<Item = &Cause> {
        self.cause.iter().chain(self.applings.iter().filter_map(|appling| appling.cause.as_ref()))
    }

    /// Whether everything runs as wanted.
    pub fn is_success(&self) -> bool {
        self.causes().next().is_none()
            && self.applings.iter().all(|appling| appling.result != ApplingResult::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CauseCode;

    #[test]
    fn the_outcome_has_the_form_that_the_command_line_promises() {
        let cause = Cause::new(CauseCode::ReadinessFailed, "m", "h").with_proof("p");
        let outcome = Event::Outcome(Outcome {
            release: Some(ReleaseNumber(12)),
            applings: vec![ApplingOutcome {
                name: ApplingName::parse("api").unwrap(),
                result: ApplingResult::Failed,
                url: None,
                duration_ms: None,
                cause: Some(cause),
                restored: None,
            }],
            cause: None,
        });
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"event":"outcome","release":12,"applings":[{"name":"api","result":"failed","url":null,"cause":{"code":"readiness-failed","message":"m","proof":"p","help":"h"}}]}"#
        );
    }
}
