//! Minds one instance, until it is told to let go: the way to the task in [`super::mind`].

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use hops_model::{DesiredAppling, Target};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{mind::Mind, seen::Seen, view::View};
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
    /// What has to be over first: the removal of one of the same name.
    pub(super) after: Option<BoxFuture<'static, ()>>,
}

impl Charge {
    /// The name that the instance has, or will have.
    pub(super) fn name(&self) -> String {
        names::instance(&self.site.settings.platform, &self.target, &self.form, self.replica)
    }
}

impl Minder {
    /// Begins. `found` is what is known to be there already.
    pub(super) fn begin(mut charge: Charge, found: Option<Instance>) -> Self {
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
        let after = charge.after.take();
        let mind = Mind::new(charge, found, seen, leaves);
        let task = tokio::spawn(async move {
            if let Some(after) = after {
                after.await;
            }
            mind.run().await;
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
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        self.seen.borrow().id.clone()
    }
}
