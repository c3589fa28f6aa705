//! Events of deploys: kept in the store, and handed to whoever listens as they come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use hops_model::{DeployId, DeployState, Event};
use hops_store::{Store, StoreError};
use tokio::sync::watch;

/// How many kept events are read at once.
const PAGE: u32 = 500;

/// The events of all deploys.
#[derive(Clone)]
pub(crate) struct Feed {
    store: Store,
    /// One channel for each deploy that somebody listens to or that is being done. It carries no event, only that
    /// there are new ones: a slow listener reads them from the store and cannot hold anything up.
    bells: Arc<Mutex<HashMap<DeployId, watch::Sender<()>>>>,
}

impl Feed {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, bells: Arc::default() }
    }

    /// Keeps events and tells the listeners.
    pub(crate) async fn append(&self, deploy: DeployId, events: &[Event]) -> Result<(), StoreError> {
        self.store.append_events(deploy, events).await?;
        self.ring(deploy);
        Ok(())
    }

    /// Tells the listeners to look again, for events that were kept in another way.
    pub(crate) fn ring(&self, deploy: DeployId) {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        if bells.get(&deploy).is_some_and(|bell| bell.send(()).is_err()) {
            bells.remove(&deploy);
        }
    }

    /// The events after a sequence number, kept ones first, then as they come; ends with the outcome.
    pub(crate) fn after(
        &self,
        deploy: DeployId,
        after: u64,
    ) -> BoxStream<'static, Result<(u64, Event), StoreError>> {
        let feed = self.clone();
        // Listening begins before the first look, so that nothing falls between the two.
        let state = Some((feed.listen(deploy), after));
        let pages = try_unfold(state, move |state| {
            let feed = feed.clone();
            async move {
                let Some((mut bell, after)) = state else { return Ok::<_, StoreError>(None) };
                loop {
                    bell.mark_unchanged();
                    // Asked before the events are read: what ends in between is seen the next time.
                    let state = feed.store.deploy(deploy).await?.map(|deploy| deploy.state);
                    let events = feed.store.events_after(deploy, after, PAGE).await?;
                    if let Some((last, event)) = events.last() {
                        let ends = matches!(event, Event::Outcome(_));
                        let next = (!ends).then_some((bell, *last));
                        return Ok(Some((events, next)));
                    }
                    let goes_on = matches!(state, Some(DeployState::Queued | DeployState::Running));
                    if !goes_on || bell.changed().await.is_err() {
                        return Ok(None);
                    }
                }
            }
        });
        pages.map_ok(|events| futures::stream::iter(events.into_iter().map(Ok))).try_flatten().boxed()
    }

    fn listen(&self, deploy: DeployId) -> watch::Receiver<()> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        // Deploys that nobody listens to any more.
        bells.retain(|_, bell| bell.receiver_count() > 0);
        bells.entry(deploy).or_insert_with(|| watch::channel(()).0).subscribe()
    }
}
