//! Takes deploys from the queue and does them, those of one app and environment one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use hops_model::{Deploy, DeployId};
use hops_store::StoreError;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{feed::Feed, job::Job, parts::Parts};

/// The deploys that are being done.
pub(crate) struct Runner {
    parts: Arc<Parts>,
    feed: Feed,
    /// Rung when the queue may have something for us: after a deploy was queued, and after one ended.
    work: Notify,
    cancels: Mutex<HashMap<DeployId, CancellationToken>>,
    jobs: TaskTracker,
    /// Ends the runner and drops its jobs where they are; the next start takes them up.
    stop: CancellationToken,
}

impl Runner {
    /// Takes up what a former server left running, then begins to take from the queue.
    pub(crate) async fn start(parts: Arc<Parts>, feed: Feed) -> Result<Arc<Self>, StoreError> {
        let left = parts.store.running().await?;
        let runner = Arc::new(Self {
            parts,
            feed,
            work: Notify::new(),
            cancels: Mutex::default(),
            jobs: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        for deploy in left {
            tracing::info!(deploy = %deploy.id, target = %deploy.target, "taking up a deploy");
            runner.spawn(deploy, true);
        }
        runner.wake();
        runner.jobs.spawn(Arc::clone(&runner).take_from_queue());
        Ok(runner)
    }

    /// Tells that something was queued.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Asks a deploy to end during its build. Tells whether it is being done at all.
    pub(crate) fn cancel(&self, id: DeployId) -> bool {
        let cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        cancels.get(&id).map(CancellationToken::cancel).is_some()
    }

    /// Stops where it is. What was being done is taken up at the next start.
    pub(crate) async fn shut_down(&self) {
        self.stop.cancel();
        self.jobs.close();
        self.jobs.wait().await;
    }

    async fn take_from_queue(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.work.notified() => {}
                () = self.stop.cancelled() => return,
            }
            loop {
                match self.parts.store.claim(Timestamp::now()).await {
                    Ok(Some(deploy)) => self.spawn(deploy, false),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "cannot read the queue");
                        break;
                    }
                }
            }
        }
    }

    fn spawn(self: &Arc<Self>, deploy: Deploy, resumed: bool) {
        let runner = Arc::clone(self);
        let id = deploy.id;
        let cancel = CancellationToken::new();
        self.cancels.lock().unwrap_or_else(PoisonError::into_inner).insert(id, cancel.clone());
        self.jobs.spawn(async move {
            let job = Job { parts: Arc::clone(&runner.parts), feed: runner.feed.clone(), deploy, cancel };
            tokio::select! {
                () = job.run(resumed) => {}
                () = runner.stop.cancelled() => {}
            }
            runner.cancels.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            // Another deploy of the same target may have been waiting for this one.
            runner.wake();
        });
    }
}
