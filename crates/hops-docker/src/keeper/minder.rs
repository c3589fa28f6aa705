//! Minds one instance, until it is told to let go: the way to the task in [`super::mind`].

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use hops_model::{DesiredAppling, Target};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{PAUSE, mind::Mind, seen::Seen, view::View};
use crate::{
    daemon::{Instance, InstanceId},
    names,
    site::Site,
};

/// What an app gets between SIGTERM and SIGKILL (design.md 1, promise 6).
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// A task that minds an instance.
pub(super) struct Minder {
    seen: watch::Receiver<Seen>,
    leave: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What is minded.
pub(super) struct Charge {
    pub(super) site: Arc<Site>,
    pub(super) target: Target,
    /// Its form, with the release in which its containers were made.
    pub(super) form: DesiredAppling,
    pub(super) replica: u16,
    /// Rung whenever something new is seen.
    pub(super) bell: Arc<Notify>,
}

impl Charge {
    /// The name that the instance has, or will have.
    pub(super) fn name(&self) -> String {
        names::instance(&self.site.settings.platform, &self.target, &self.form, self.replica)
    }
}

impl Minder {
    /// Begins. `found` is what is known to be there already; `after` what has to be over first: the removal of one of the
    /// same name.
    pub(super) fn begin(
        charge: Charge,
        mut found: Option<Instance>,
        after: Option<BoxFuture<'static, ()>>,
    ) -> Self {
        let id = found.as_ref().map_or_else(
            || InstanceId {
                name: charge.name(),
                sidecars: charge.form.sidecars.iter().map(|sidecar| sidecar.name.clone()).collect(),
            },
            |found| found.id.clone(),
        );
        let seen = Seen {
            view: View::new(id.name.clone()),
            id,
            release: charge.form.release,
            address: None,
            created_at: None,
            is_settled: false,
        };
        let (seen, receiver) = watch::channel(seen);
        let (leave, leaves) = watch::channel(false);
        let charge = Arc::new(charge);
        let task = tokio::spawn(async move {
            if let Some(after) = after {
                after.await;
            }
            // An instance that nobody minds would not be made again, nor asked whether it takes requests.
            loop {
                let mind = Mind::new(Arc::clone(&charge), found.take(), seen.clone(), leaves.clone());
                if AssertUnwindSafe(mind.run()).catch_unwind().await.is_ok() {
                    return;
                }
                let instance = seen.borrow().id.clone();
                tracing::error!(%instance, "HOPS itself failed in minding an instance; beginning anew");
                tokio::time::sleep_until(Instant::now() + PAUSE).await;
            }
        });
        Self { seen: receiver, leave, task }
    }

    /// What was seen last.
    pub(super) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }

    /// Lets go of the instance. Its containers stay as they are.
    pub(super) async fn leave(self) -> InstanceId {
        self.leave.send_replace(true);
        // It ends by that, or with the runtime.
        let _ = self.task.await;
        self.seen.borrow().id.clone()
    }
}
