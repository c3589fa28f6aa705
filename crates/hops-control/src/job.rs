//! One deploy, from its start or from where a former server left it, to its outcome.
//!
//! ```text
//! check ─▶ build ─▶ release written ─▶ plan written ─▶ apply ─▶ outcome written
//!   └────────┴── done again ──┘            └── applied again ──┘    after a crash
//! ```

mod build;
mod release;
mod rollout;

pub(crate) use build::request;

use std::sync::Arc;

use hops_engine::Events;
use hops_model::{ApplingOutcome, Cause, CauseCode, Deploy, Event, Outcome, Release, release::Origin};
use hops_store::StoreError;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{ControlError, checked::Checked, feed::Feed, parts::Parts};

/// A deploy that is being done.
pub(crate) struct Job {
    pub(crate) parts: Arc<Parts>,
    pub(crate) feed: Feed,
    pub(crate) deploy: Deploy,
    /// Ends the build. From the release on a deploy is not stopped any more: half of it would be in effect.
    pub(crate) cancel: CancellationToken,
}

/// Why a deploy ends before its roll-out does.
enum Stop {
    /// With this outcome.
    Outcome(Outcome),
    /// The state is out of reach. The deploy stays as it is and is taken up at the next start.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::Outcome(Outcome::failed(cause))
    }
}

impl From<ControlError> for Stop {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => Self::Store(error),
            error => Cause::from(&error).into(),
        }
    }
}

impl Job {
    /// Does the deploy and records its outcome. `resumed` tells that a former server had begun it.
    pub(crate) async fn run(self, resumed: bool) {
        let Deploy { id, ref target, .. } = self.deploy;
        let (events, mut received) = Events::channel();
        let feed = self.feed.clone();
        let keeper = tokio::spawn(async move {
            while let Some(event) = received.recv().await {
                feed.append(id, &event).await?;
            }
            Ok::<_, StoreError>(())
        });
        let result = self.outcome(resumed, &events).await;
        // The outcome has to be the last event, so those on their way are kept first.
        drop(events);
        let kept = keeper.await.expect("the task that keeps events does not panic");
        let result = match (result, kept) {
            (Ok(outcome) | Err(Stop::Outcome(outcome)), Ok(())) => {
                self.parts.store.finish(id, &outcome, Timestamp::now()).await.map(drop)
            }
            (Err(Stop::Store(error)), _) | (_, Err(error)) => Err(error),
        };
        match result {
            Ok(()) => self.feed.ring(id),
            Err(error) => {
                tracing::error!(deploy = %id, %target, error = &error as &dyn std::error::Error,
                    "deploy left as it is until the next start: the state is out of reach");
            }
        }
    }

    async fn outcome(&self, resumed: bool, events: &Events) -> Result<Outcome, Stop> {
        let Deploy { commit, subject, .. } = &self.deploy;
        events.send(Event::Started { commit: commit.clone(), subject: subject.clone(), resumed });
        let written = match self.deploy.release {
            Some(number) => self.parts.store.release(&self.deploy.target, number).await?,
            None => None,
        };
        let release = match (written, self.deploy.origin) {
            (Some(release), _) => release,
            (None, Origin::Rollback { to }) => self.write_rollback(to).await?,
            (None, Origin::Deploy) => self.build_and_write(events).await?,
        };
        events.send(Event::Released { release: release.number });
        let rolled_out = self.roll_out(&release, events).await?;
        Ok(merge(&release, rolled_out))
    }

    async fn build_and_write(&self, events: &Events) -> Result<Release, Stop> {
        let Deploy { target, commit, .. } = &self.deploy;
        let checked = Checked::read(&self.parts, &target.app, Some(target.environment), commit).await?;
        for message in &checked.warnings {
            events.send(Event::Warning { message: message.clone() });
        }
        let built = tokio::select! {
            built = self.build(&checked, events) => built?,
            () = self.cancel.cancelled() => {
                let message = "the deploy was cancelled during its build";
                return Err(Cause::new(CauseCode::Cancelled, message, "nothing that runs was changed").into());
            }
        };
        self.write_deploy(&checked, built).await
    }
}

/// The outcome of every appling, in the order of their names.
fn merge(release: &Release, rolled_out: Vec<ApplingOutcome>) -> Outcome {
    // An appling whose build failed may run on in its former form; what counts is that the new one did not come.
    let mut applings: Vec<ApplingOutcome> =
        rolled_out.into_iter().filter(|outcome| !release.failed_builds.contains_key(&outcome.name)).collect();
    let failed = release.failed_builds.clone().into_iter();
    applings.extend(failed.map(|(name, cause)| ApplingOutcome::failed(name, cause)));
    applings.sort_by(|one, other| one.name.cmp(&other.name));
    Outcome { release: Some(release.number), applings, cause: None }
}
