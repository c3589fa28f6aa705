//! Letting containers go: requests finish, then SIGTERM, 30 s, SIGKILL (design.md 1, promise 6).

use std::{sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use hops_engine::EngineError;
use tokio::time::Instant;

use super::{
    Answer, Keeping, Key,
    minder::GRACE,
    seen::Seen,
    view::{Stage, View},
};
use crate::{
    daemon::{Instance, InstanceId},
    hosts::Owner,
    site::Site,
};

/// An instance on its way out.
pub(super) struct Leaving {
    /// What was seen of it last.
    pub(super) seen: Seen,
    gone: Shared<BoxFuture<'static, ()>>,
}

/// The wait until requests are done.
pub(super) type Drained = Shared<BoxFuture<'static, ()>>;

/// The pause between attempts to stop what the daemon does not stop.
const PAUSE: Duration = Duration::from_secs(2);

impl Leaving {
    /// Waits until it is gone.
    pub(super) fn gone(&self) -> BoxFuture<'static, ()> {
        self.gone.clone().boxed()
    }
}

impl Keeping {
    /// Takes out of the proxy who is not to get requests any more; the wait until their requests are done.
    pub(super) fn drained(&mut self) -> Drained {
        let draining = self.rotate();
        async move {
            if let Some(draining) = draining {
                let drained = draining.finished().await;
                if drained.unfinished > 0 {
                    tracing::warn!(
                        requests = drained.unfinished,
                        "requests did not finish in the time for it"
                    );
                }
            }
        }
        .boxed()
        .shared()
    }

    /// Lets go of those instances of the crew. Those that took requests are `drained` first.
    pub(super) async fn let_go(&mut self, which: impl Fn(&Key) -> bool, drained: Option<Drained>) {
        let keys: Vec<Key> = self.crew.keys().copied().filter(which).collect();
        let pause = pause_for_siblings(&self.site, &self.owner).await;
        for key in keys {
            let Some(minder) = self.crew.remove(&key) else { continue };
            let seen = minder.seen().clone();
            let (site, drained) = (Arc::clone(&self.site), drained.clone());
            let forgotten_at = Instant::now() + pause;
            self.leave(seen, async move {
                let id = minder.leave().await;
                if let Some(drained) = drained {
                    tokio::join!(drained, tokio::time::sleep_until(forgotten_at));
                }
                end(&site, &id).await;
            });
        }
    }

    /// Something serves: what nobody knows of is not needed any more.
    pub(super) fn dismiss_strangers(&mut self) {
        for stranger in std::mem::take(&mut self.strangers) {
            tracing::info!(instance = %stranger.id, "stopping a container that nobody wants");
            self.dismiss(stranger);
        }
    }

    /// Stops and removes containers that nobody minds.
    pub(super) fn dismiss(&mut self, instance: Instance) {
        let seen = Seen {
            release: instance.release,
            view: View { stage: Stage::Running, ..View::new(instance.id.name.clone()) },
            address: None,
            created_at: instance.app().and_then(|app| app.created_at),
            is_settled: true,
            id: instance.id,
        };
        let (site, id) = (Arc::clone(&self.site), seen.id.clone());
        self.leave(seen, async move { end(&site, &id).await });
    }

    fn leave(&mut self, seen: Seen, work: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(work);
        let gone = async move {
            if let Err(error) = task.await
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        .boxed()
        .shared();
        let name = seen.id.name.clone();
        self.asking.push(
            gone.clone()
                .map({
                    let name = name.clone();
                    move |()| Answer::Gone { name }
                })
                .boxed(),
        );
        self.leaving.insert(name, Leaving { seen, gone });
    }
}

/// Siblings that have just looked up an address may still use it.
async fn pause_for_siblings(site: &Site, (target, name): &Owner) -> Duration {
    match site.ledger.record(target).await {
        Ok(Some(record)) if record.applings.keys().any(|other| other != name) => site.settings.drain,
        _ => Duration::ZERO,
    }
}

/// Stops and removes an instance. A daemon that is away is waited for: nothing else would do it.
async fn end(site: &Site, id: &InstanceId) {
    loop {
        let ended: Result<(), EngineError> = async {
            site.daemon.stop(id, GRACE).await?;
            site.daemon.remove(id).await
        }
        .await;
        match ended {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(instance = %id, %error, "a container cannot be stopped yet");
                tokio::time::sleep_until(Instant::now() + PAUSE).await;
            }
        }
    }
}
