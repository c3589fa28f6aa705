//! The build stage: a commit becomes images, one an appling.

use std::collections::BTreeMap;

use hops_build::{ApplingBuild, BuildRequest};
use hops_engine::Events;
use hops_model::{ApplingName, ApplingOutcome, BuiltImage, Cause, CommitId, Event, Outcome};

use super::{End, Job, Stop};
use crate::checked::Checked;

/// What the builds became.
pub(super) struct Built {
    pub(super) images: BTreeMap<ApplingName, BuiltImage>,
    pub(super) failed: BTreeMap<ApplingName, Cause>,
}

impl Job {
    /// Builds every appling. Some may fail: the others are rolled out all the same (design.md 1, promise 5).
    pub(super) async fn build(&self, checked: &Checked, events: &Events) -> Result<Built, Stop> {
        let results = self.parts.builder.build(request(checked, &self.deploy.commit), events.sender()).await;
        let mut built = Built { images: BTreeMap::new(), failed: BTreeMap::new() };
        for (name, result) in results {
            match result {
                Ok(image) => {
                    built.images.insert(name, image);
                }
                Err(cause) => {
                    events.send(Event::Failed { appling: name.clone(), cause: cause.clone() });
                    built.failed.insert(name, cause);
                }
            }
        }
        if built.images.is_empty() {
            // Nothing new to put into effect, so there is no release either.
            let failed = built.failed.into_iter();
            let applings = failed.map(|(name, cause)| ApplingOutcome::failed(name, cause)).collect();
            let outcome = Outcome { release: None, applings, cause: None };
            return Err(Stop::End(End::before(outcome)));
        }
        Ok(built)
    }
}

/// What the builder is asked for.
pub(crate) fn request(checked: &Checked, commit: &CommitId) -> BuildRequest {
    BuildRequest {
        app: checked.app.name.clone(),
        repository: checked.repository.clone(),
        commit: commit.clone(),
        applings: checked
            .app
            .applings
            .iter()
            .map(|appling| ApplingBuild {
                name: appling.name.clone(),
                dockerfile: appling.dockerfile(),
                secrets: BTreeMap::new(),
            })
            .collect(),
    }
}
