//! Takes deploys from the queue and does them, those of one app and environment one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hops_model::{Cause, CauseCode, Deploy, DeployId};
use hops_store::StoreError;
use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ControlError,
    feed::Feed,
    job::{End, Job},
    parts::Parts,
};

/// Before something is tried again that failed by a fault of the state, of whose end nothing tells.
pub(crate) async fn pause() {
    tokio::time::sleep_until(Instant::now() + Duration::from_secs(1)).await;
}

/// How often a deploy is taken up by a server that did not stop in order. A deploy that brings HOPS down, such as one that
/// takes all memory, would do so for ever.
const MOST_STARTS: u32 = 3;

/// The deploys that are being done.
pub(crate) struct Runner {
    pub(crate) parts: Arc<Parts>,
    feed: Feed,
    /// Rung when the queue may have something for us: after a deploy was queued, and after one ended.
    work: Notify,
    cancels: Mutex<HashMap<DeployId, CancellationToken>>,
    pub(crate) jobs: TaskTracker,
    /// Ends the runner and drops its jobs where they are; the next start takes them up.
    pub(crate) stop: CancellationToken,
}

fn deadly() -> Cause {
    let message =
        format!("HOPS ended {} times during this deploy, and does not take it up again", MOST_STARTS + 1);
    let help = "the system's log tells why, such as a lack of memory; mend that, then deploy again";
    Cause::new(CauseCode::Internal, message, help)
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
            if runner.parts.store.take_up(deploy.id).await? > MOST_STARTS {
                let End { outcome, effect } = End::broken(deadly(), deploy.release);
                runner.parts.store.finish(deploy.id, &outcome, &effect, Timestamp::now()).await?;
                tracing::error!(deploy = %deploy.id, target = %deploy.target, "given up: HOPS ended during it again and again");
                continue;
            }
            tracing::info!(deploy = %deploy.id, target = %deploy.target, "taking up a deploy");
            runner.spawn(deploy, true);
        }
        for target in runner.parts.store.removals().await? {
            runner.take_up_removal(target);
        }
        runner.wake();
        runner.jobs.spawn(Arc::clone(&runner).take_from_queue());
        Ok(runner)
    }

    /// Tells that something was queued.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Has a deploy look whether somebody wants it to end, if it is being done here.
    pub(crate) fn cancel(&self, id: DeployId) {
        let cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cancel) = cancels.get(&id) {
            cancel.cancel();
        }
    }

    /// Does something to its end, whoever stops waiting for it: what is written and what follows from it belong together. Ends
    /// early with the server alone.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ControlError>> + Send + 'static,
    ) -> Result<T, ControlError> {
        let stop = self.stop.clone();
        let working = self.jobs.spawn(async move {
            tokio::select! {
                result = work => result,
                () = stop.cancelled() => Err(ControlError::ShuttingDown),
            }
        });
        match working.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(ControlError::ShuttingDown),
        }
    }

    /// Stops where it is. What was being done is taken up at the next start.
    pub(crate) async fn shut_down(&self) {
        self.stop.cancel();
        self.jobs.close();
        self.jobs.wait().await;
        if let Err(error) = self.parts.store.stop_in_order().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "this stop will count as a crash");
        }
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
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot read the queue; trying again"
                        );
                        tokio::select! {
                            () = pause() => {}
                            () = self.stop.cancelled() => return,
                        }
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
