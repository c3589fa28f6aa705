//! Taking up what is there: at a start of HOPS, and where HOPS itself failed in keeping it.

use std::{collections::BTreeMap, sync::Arc};

use futures::stream::FuturesUnordered;
use hops_model::ApplingStatus;
use hops_proxy::Upstream;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    Keeping, Key, PAUSE, keys,
    rollout::{self, Coming},
};
use crate::{
    daemon::Instance,
    hosts::Owner,
    ledger::{Entry, Held},
    site::Site,
};

/// What a task is given.
pub(super) struct Post {
    pub(super) site: Arc<Site>,
    pub(super) owner: Owner,
    pub(super) upstream: Arc<Upstream>,
    pub(super) status: watch::Sender<Option<ApplingStatus>>,
    pub(super) settled: watch::Sender<bool>,
}

impl Keeping {
    /// One that takes up what is there.
    pub(super) fn new(post: Post, entry: Entry, found: Vec<Instance>) -> Self {
        let Post { site, owner, upstream, status, settled } = post;
        let mut keeping = Self {
            site,
            owner,
            upstream,
            bell: Arc::new(Notify::new()),
            serving: entry.serving,
            coming: None,
            crew: BTreeMap::new(),
            strangers: Vec::new(),
            leaving: BTreeMap::new(),
            orders: 0,
            rotation: Vec::new(),
            is_anew: false,
            asking: FuturesUnordered::new(),
            retired: Vec::new(),
            retire_at: None,
            status,
            settled,
        };
        keeping.recover(entry.coming, found);
        keeping
    }

    /// Begins with what is written and what is there, after HOPS itself failed. Who waits for a roll-out is told by what is
    /// dropped; the proxy and what is on its way out go on.
    pub(super) async fn begin_anew(&mut self) {
        self.coming = None;
        self.crew.clear();
        self.strangers.clear();
        self.is_anew = true;
        let (entry, found) = loop {
            tokio::time::sleep_until(Instant::now() + PAUSE).await;
            let (target, name) = &self.owner;
            let record = self.site.ledger.record(target).await;
            match (record, self.site.daemon.instances(Some(target)).await) {
                (Ok(record), Ok(found)) => {
                    break (record.and_then(|mut record| record.applings.remove(name)), found);
                }
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(%target, appling = %name, %error, "what is there cannot be found out yet");
                }
            }
        };
        let is_its = |instance: &Instance| {
            instance.appling == self.owner.1 && !self.leaving.contains_key(&instance.id.name)
        };
        let found = found.into_iter().filter(is_its).collect();
        let Entry { serving, coming, .. } = entry.unwrap_or_default();
        self.serving = serving;
        self.recover(coming, found);
    }

    /// Takes up what is there.
    fn recover(&mut self, coming: Option<Held>, found: Vec<Instance>) {
        let held: Vec<Held> = self.serving.iter().chain(&coming).cloned().collect();
        let mut found: BTreeMap<Key, Vec<Instance>> =
            found.into_iter().fold(BTreeMap::new(), |mut all, instance| {
                all.entry((instance.release, instance.replica)).or_default().push(instance);
                all
            });
        // When the newest container of what is on its way was made, or started for the first time.
        let mut began_at = None;
        for held in &held {
            for key in keys(held) {
                let instance = found.get_mut(&key).and_then(Vec::pop);
                if Some(held) == coming.as_ref() {
                    began_at = instance.as_ref().and_then(Instance::began_at).max(began_at);
                }
                if instance.is_none() && Some(held) == self.serving.as_ref() {
                    let ((target, name), (release, replica)) = (&self.owner, key);
                    tracing::warn!(%target, appling = %name, %release, replica, "a container is gone; making it anew");
                }
                self.mind(key, &held.form, instance);
            }
        }
        let strangers: Vec<Instance> = found.into_values().flatten().collect();
        // Where nothing is wanted, its removal was cut short.
        if self.serving.is_some() || held.is_empty() {
            for stranger in strangers {
                tracing::info!(instance = %stranger.id, "stopping a container that is no longer wanted");
                self.dismiss(stranger);
            }
        } else {
            self.strangers = strangers;
        }
        if let Some(serving) = &self.serving {
            self.site.hosts.take(&self.owner, &serving.form.routes, &self.upstream);
        }
        if let Some(held) = coming {
            if let Some(cause) = self.claim(&held.form.routes) {
                tracing::warn!(appling = %held.form.name, %cause, "what was on its way gets no route");
            }
            let patience = rollout::resumed(began_at, self.site.settings.progress_deadline);
            self.coming = Some(Coming::new(held, None, 0, patience));
        }
    }
}
