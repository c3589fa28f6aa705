//! The verbs.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt};
use hops_engine::{LogQuery, LogStream, Plan};
use hops_git::Repository;
use hops_model::{
    AppName, ApplingStatus, Cause, CauseCode, CommitId, Deploy, DeployId, DeployState, Environment, Event,
    Outcome, ReleaseNumber, Target, release::Origin,
};
use hops_store::{AppRow, NewDeploy, ReleaseRow};
use jiff::Timestamp;

use crate::{ControlError, Wish, checked::Checked, feed::Feed, job, parts::Parts, runner::Runner};

/// How many deploys of a target keep their events.
const KEPT_DEPLOYS: u32 = 50;

/// A platform at work. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    parts: Arc<Parts>,
    feed: Feed,
    runner: Arc<Runner>,
}

/// What runs of an app in an environment.
#[derive(Debug, Clone)]
pub struct Status {
    /// The app and environment.
    pub target: Target,
    /// The release in effect, and what became of it.
    pub release: Option<ReleaseRow>,
    /// The deploy that is queued or being done.
    pub under_way: Option<Deploy>,
    /// Its applings, as the engine sees them.
    pub applings: Vec<ApplingStatus>,
}

impl Control {
    /// Starts the platform: takes up the deploys that a former process left, then waits for new ones.
    pub async fn start(parts: Parts) -> Result<Self, ControlError> {
        let parts = Arc::new(parts);
        let feed = Feed::new(parts.store.clone());
        let runner = Runner::start(Arc::clone(&parts), feed.clone()).await?;
        Ok(Self { parts, feed, runner })
    }

    /// Stops. Deploys under way stay as they are and are taken up at the next start; apps run on.
    pub async fn shut_down(&self) {
        self.runner.shut_down().await;
    }

    /// The server's bare copy of an app's repository, made on first use.
    pub async fn repository(&self, app: &AppName) -> Result<Repository, ControlError> {
        self.parts.repository(app).await
    }

    /// Queues the deploy of a commit that is in the server's copy of the repository.
    ///
    /// The commit's files are read first; what is wrong with them, or cannot be done yet, refuses the deploy. A deploy
    /// of the same target that has not started is replaced by this one.
    pub async fn deploy(
        &self,
        app: &AppName,
        environment: Option<Environment>,
        commit: &CommitId,
    ) -> Result<Deploy, ControlError> {
        let checked = Checked::read(&self.parts, app, environment, commit).await?;
        let now = Timestamp::now();
        self.enqueue(NewDeploy {
            target: checked.target,
            origin: Origin::Deploy,
            commit: commit.clone(),
            subject: checked.subject,
            created_at: now,
        })
        .await
    }

    /// Queues putting a former release into effect again: the given one, or the last that ran well before the present.
    pub async fn rollback(&self, target: &Target, to: Option<ReleaseNumber>) -> Result<Deploy, ControlError> {
        let number = match to {
            Some(number) => number,
            None => self.former_release(target).await?,
        };
        let former = self
            .parts
            .store
            .release(target, number)
            .await?
            .ok_or_else(|| ControlError::NoSuchRelease { target: target.clone(), number })?;
        self.enqueue(NewDeploy {
            target: target.clone(),
            origin: Origin::Rollback { to: number },
            commit: former.commit,
            subject: former.subject,
            created_at: Timestamp::now(),
        })
        .await
    }

    /// Stops a deploy that waits or is being built. One whose release is written goes on.
    pub async fn cancel(&self, id: DeployId) -> Result<(), ControlError> {
        self.find_deploy(id).await?;
        let cause = Cause::new(
            CauseCode::Cancelled,
            "the deploy was cancelled before it started",
            "nothing was changed",
        );
        let outcome = Outcome::failed(cause);
        // The database decides, in one statement each: it starts, or writes its release, before or after, not meanwhile.
        let store = &self.parts.store;
        let ends = store.withdraw(id, &outcome, Timestamp::now()).await? || store.request_cancel(id).await?;
        self.runner.cancel(id);
        self.feed.ring(id);
        if ends { Ok(()) } else { Err(ControlError::TooLateToCancel(id)) }
    }

    /// A deploy, as far as it is.
    pub async fn find_deploy(&self, id: DeployId) -> Result<Deploy, ControlError> {
        self.parts.store.deploy(id).await?.ok_or(ControlError::NoDeploy(id))
    }

    /// The events of a deploy after a sequence number: those that were, then those that come. Ends with the outcome.
    pub fn events(&self, id: DeployId, after: u64) -> BoxStream<'static, Result<(u64, Event), ControlError>> {
        self.feed.after(id, after).map(|event| event.map_err(ControlError::from)).boxed()
    }

    /// What a deploy of a commit would change. Builds nothing: images that do not exist yet are named by their commit.
    pub async fn plan(
        &self,
        app: &AppName,
        environment: Option<Environment>,
        commit: &CommitId,
    ) -> Result<Plan, ControlError> {
        let checked = Checked::read(&self.parts, app, environment, commit).await?;
        let images = self.parts.builder.expected(&job::request(&checked, commit)).await;
        let wish = Wish::new(&checked.app, &checked.target, commit, images, &self.parts.hosts)
            .map_err(|error| ControlError::Refused(Cause::from(&error)))?;
        let next = self.parts.store.releases(&checked.target, 1).await?;
        let number = next.first().map_or(1, |row| row.number.0 + 1);
        let good = self.parts.store.serving(&checked.target).await?;
        let wish = wish.guessing_users(&good);
        let observed = self.parts.engine.observe(&checked.target).await?;
        Ok(self.parts.engine.plan(&wish.desired(ReleaseNumber(number), &good), &observed))
    }

    /// What runs of an app in an environment.
    pub async fn status(&self, target: &Target) -> Result<Status, ControlError> {
        self.known(&target.app).await?;
        let applings = self.parts.engine.status(target).await?;
        let release = self.parts.store.releases(target, 1).await?.into_iter().next();
        let under_way = self.under_way(target).await?;
        Ok(Status { target: target.clone(), release, under_way, applings })
    }

    /// The releases of an app in an environment, newest first, with what became of them.
    pub async fn releases(&self, target: &Target, limit: u32) -> Result<Vec<ReleaseRow>, ControlError> {
        self.known(&target.app).await?;
        Ok(self.parts.store.releases(target, limit).await?)
    }

    /// Every app that was ever deployed here.
    pub async fn apps(&self) -> Result<Vec<AppRow>, ControlError> {
        Ok(self.parts.store.apps().await?)
    }

    /// Log lines.
    pub async fn logs(&self, query: LogQuery) -> Result<LogStream, ControlError> {
        self.known(&query.target.app).await?;
        Ok(self.parts.engine.logs(query).await?)
    }

    /// Removes all that runs of an app in an environment, and its releases. Deploys of it wait meanwhile; dropping this
    /// does not stop it.
    pub async fn remove(&self, target: &Target) -> Result<(), ControlError> {
        self.known(&target.app).await?;
        self.runner.remove(target).await
    }

    async fn enqueue(&self, new: NewDeploy) -> Result<Deploy, ControlError> {
        let (parts, feed, runner) = (Arc::clone(&self.parts), self.feed.clone(), Arc::clone(&self.runner));
        let enqueue = async move {
            parts.store.prune_events(KEPT_DEPLOYS).await?;
            let enqueued = parts.store.enqueue(&new).await?;
            for replaced in enqueued.replaced {
                feed.ring(replaced);
            }
            runner.wake();
            Ok(enqueued.deploy)
        };
        self.runner.to_its_end(enqueue).await
    }

    /// The newest release that ran well, other than the one in effect.
    async fn former_release(&self, target: &Target) -> Result<ReleaseNumber, ControlError> {
        let releases = self.parts.store.releases(target, 100).await?;
        let mut former =
            releases.iter().skip(1).filter(|row| row.outcome.as_ref().is_some_and(Outcome::is_success));
        match (releases.is_empty(), former.next()) {
            (true, _) => Err(ControlError::NoRelease(target.clone())),
            (false, None) => Err(ControlError::NothingToRollBackTo(target.clone())),
            (false, Some(row)) => Ok(row.number),
        }
    }

    /// The deploy of a target that is being done or, where none is, that waits.
    async fn under_way(&self, target: &Target) -> Result<Option<Deploy>, ControlError> {
        let deploys = self.parts.store.deploys(target, KEPT_DEPLOYS).await?;
        let mut unfinished = deploys.into_iter().rev().filter(|deploy| deploy.state != DeployState::Finished);
        Ok(unfinished.next())
    }

    async fn known(&self, app: &AppName) -> Result<(), ControlError> {
        if self.parts.store.app_exists(app).await? { Ok(()) } else { Err(ControlError::NoApp(app.clone())) }
    }
}
