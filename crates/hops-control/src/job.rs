//! One deploy, from its start or from where a former server left it, to its outcome.
//!
//! ```text
//! check ─▶ build ─▶ release written ─▶ plan written ─▶ apply ─▶ outcome written
//!   └────────┴── done again ──┘            └── applied again ──┘    after a crash
//! ```

mod build;
mod healed;
mod release;
mod rollout;

pub(crate) use build::request;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use hops_engine::Events;
use hops_model::{
    ApplingOutcome, ApplingResult, Cause, CauseCode, Deploy, DesiredAppling, Event, Outcome, Release,
    ReleaseNumber, release::Origin,
};
use hops_store::{Effect, StoreError};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::{ControlError, checked::Checked, feed::Feed, parts::Parts, runner::pause};

/// How many events are written at once, at most.
const BATCH: usize = 500;

/// A deploy that is being done.
pub(crate) struct Job {
    pub(crate) parts: Arc<Parts>,
    pub(crate) feed: Feed,
    pub(crate) deploy: Deploy,
    /// Ends the build; whether somebody wants that is in the store. From the release on a deploy is not stopped any more:
    /// half of it would be in effect.
    pub(crate) cancel: CancellationToken,
}

/// How a deploy ends.
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) effect: Effect,
}

/// Why a deploy ends before its roll-out does.
enum Stop {
    /// So.
    End(End),
    /// HOPS itself failed, wherever it was.
    Broken(Cause),
    /// The state is out of reach.
    Store(StoreError),
}

impl End {
    /// Before the engine was asked for anything.
    fn before(outcome: Outcome) -> Self {
        Self { outcome, effect: Effect::Nothing }
    }

    /// Wherever it was: with its release written it may have reached the engine.
    pub(crate) fn broken(cause: Cause, release: Option<ReleaseNumber>) -> Self {
        let effect = if release.is_some() { Effect::Unknown } else { Effect::Nothing };
        Self { outcome: Outcome { release, ..Outcome::failed(cause) }, effect }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DeployCancelled(_) => cancelled().into(),
            error => Self::Store(error),
        }
    }
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::End(End::before(Outcome::failed(cause)))
    }
}

impl From<ControlError> for Stop {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => error.into(),
            error => Cause::from(&error).into(),
        }
    }
}

fn cancelled() -> Cause {
    let message = "the deploy was cancelled before its release was written";
    Cause::new(CauseCode::Cancelled, message, "nothing that runs was changed")
}

/// A panic's own words are in the log: they are nothing that a user could mend.
fn panicked() -> Cause {
    let help = "deploy again; if it stays, the server's log shows where";
    Cause::new(CauseCode::Internal, "HOPS itself failed during the deploy", help)
}

impl Job {
    /// Does the deploy and records its outcome. `resumed` tells that a former server had begun it.
    ///
    /// A fault of the state that may pass is waited out: every stage begins by looking for its own result.
    pub(crate) async fn run(self, mut resumed: bool) {
        let Deploy { id, ref target, .. } = self.deploy;
        loop {
            match self.attempt(resumed).await {
                Ok(()) => break,
                Err(error) if error.is_of_ended() => break,
                Err(error) if error.is_passing() => {
                    tracing::error!(deploy = %id, %target, error = &error as &dyn std::error::Error,
                        "the state is out of reach; trying again");
                    pause().await;
                    resumed = true;
                }
                Err(error) => {
                    tracing::error!(deploy = %id, %target, error = &error as &dyn std::error::Error,
                        "a deploy's end cannot be written");
                    break;
                }
            }
        }
        self.feed.ring(id);
    }

    async fn attempt(&self, resumed: bool) -> Result<(), StoreError> {
        let id = self.deploy.id;
        let (events, received) = Events::channel();
        let working = async {
            let worked = AssertUnwindSafe(self.end(resumed, &events)).catch_unwind().await;
            // The outcome has to be the last event, so those on their way are kept first.
            drop(events);
            match worked {
                Ok(worked) => worked,
                Err(_) => Err(Stop::Broken(panicked())),
            }
        };
        let (result, kept) = tokio::join!(working, self.keep(received));
        kept?;
        let End { outcome, effect } = match result {
            Ok(end) | Err(Stop::End(end)) => end,
            Err(Stop::Broken(cause)) => End::broken(cause, self.release().await?),
            Err(Stop::Store(error)) if error.is_passing() || error.is_of_ended() => return Err(error),
            Err(Stop::Store(error)) => End::broken(Cause::from(&error), self.release().await?),
        };
        self.parts.store.finish(id, &outcome, &effect, Timestamp::now()).await.map(drop)
    }

    /// Keeps events as they come, until there are no more. Waits until the state can be written again.
    async fn keep(&self, mut received: UnboundedReceiver<Event>) -> Result<(), StoreError> {
        let mut batch = Vec::new();
        while received.recv_many(&mut batch, BATCH).await > 0 {
            while let Err(error) = self.feed.append(self.deploy.id, &batch).await {
                if !error.is_passing() {
                    return Err(error);
                }
                tracing::error!(deploy = %self.deploy.id, error = &error as &dyn std::error::Error,
                    "events cannot be kept; trying again");
                pause().await;
            }
            batch.clear();
        }
        Ok(())
    }

    async fn end(&self, resumed: bool, events: &Events) -> Result<End, Stop> {
        let Deploy { commit, subject, .. } = &self.deploy;
        events.send(Event::Started { commit: commit.clone(), subject: subject.clone(), resumed });
        let written = match self.release().await? {
            Some(number) => self.parts.store.release(&self.deploy.target, number).await?,
            None => None,
        };
        if written.is_none() {
            self.note_what_healed().await?;
        }
        let release = match (written, self.deploy.origin) {
            (Some(release), _) => release,
            (None, Origin::Rollback { to }) => self.write_rollback(to).await?,
            (None, Origin::Deploy) => self.build_and_write(events).await?,
        };
        events.send(Event::Released { release: release.number });
        let rolled_out = self.roll_out(&release, events).await?;
        Ok(End { effect: effect(&release, &rolled_out), outcome: merge(&release, rolled_out) })
    }

    /// The release that is written; this may not be the first attempt.
    async fn release(&self) -> Result<Option<ReleaseNumber>, StoreError> {
        let id = self.deploy.id;
        Ok(self.parts.store.deploy(id).await?.ok_or(StoreError::DeployMissing(id))?.release)
    }

    async fn build_and_write(&self, events: &Events) -> Result<Release, Stop> {
        let Deploy { id, target, commit, .. } = &self.deploy;
        if self.parts.store.cancel_is_requested(*id).await? {
            return Err(cancelled().into());
        }
        let checked = Checked::read(&self.parts, &target.app, Some(target.environment), commit).await?;
        for message in &checked.warnings {
            events.send(Event::Warning { message: message.clone() });
        }
        let built = tokio::select! {
            built = self.build(&checked, events) => built?,
            () = self.cancel.cancelled() => return Err(cancelled().into()),
        };
        self.write_deploy(&checked, built).await
    }
}

/// What a roll-out leaves in effect.
fn effect(release: &Release, rolled_out: &[ApplingOutcome]) -> Effect {
    let outcome_of = |form: &DesiredAppling| rolled_out.iter().find(|outcome| outcome.name == form.name);
    let is_live =
        |form: &&DesiredAppling| outcome_of(form).is_some_and(|it| it.result != ApplingResult::Failed);
    let is_unsettled = |form: &&DesiredAppling| {
        outcome_of(form).is_none_or(|it| it.result == ApplingResult::Failed && it.restored.is_none())
    };
    let forms = &release.desired.applings;
    let live = forms.iter().filter(is_live).cloned().collect();
    if forms.iter().all(|form| is_live(&form)) {
        let applings = forms.iter().map(|form| &form.name).chain(release.failed_builds.keys());
        return Effect::Applied { live, applings: applings.cloned().collect() };
    }
    let unsettled = forms.iter().filter(is_unsettled).flat_map(|form| form.routes.clone()).collect();
    Effect::Partial { live, unsettled }
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
