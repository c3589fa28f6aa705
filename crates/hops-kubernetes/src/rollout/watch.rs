//! The watches behind a [`View`].

use std::{collections::BTreeSet, time::Duration};

use futures::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use hops_engine::EngineError;
use hops_model::Target;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{Event as Told, Pod},
    },
};
use kube::{
    Api, Resource, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::view::{DeploymentView, PodView, ReplicaSetView, View};
use crate::{error::Cluster, labels};

/// An API server that cannot be watched for this long is away.
const PATIENCE: Duration = Duration::from_mins(1);

/// Watches what an app's roll-outs are decided by.
pub(super) struct Watch {
    cluster: Cluster,
    namespace: String,
    updates: SelectAll<BoxStream<'static, Result<Update, watcher::Error>>>,
    /// What is known.
    pub(super) view: View,
    /// Kinds whose first list is not complete.
    unlisted: BTreeSet<&'static str>,
    /// Names seen in a list that is being read.
    listing: BTreeSet<String>,
    failing_since: Option<Instant>,
}

enum Update {
    Deployment(Event<Deployment>),
    ReplicaSet(Event<ReplicaSet>),
    Pod(Event<Pod>),
    Told(Event<Told>),
}

impl Watch {
    /// Begins to watch.
    pub(super) fn begin(cluster: &Cluster, target: &Target) -> Self {
        let namespace = target.namespace();
        let of_app = watcher::Config::default().labels(&labels::query(&target.app));
        // Events carry no labels; the namespace is the app's own.
        let of_pods = watcher::Config::default().fields("involvedObject.kind=Pod");
        let updates = stream::select_all([
            watch(cluster, &namespace, of_app.clone(), Update::Deployment),
            watch(cluster, &namespace, of_app.clone(), Update::ReplicaSet),
            watch(cluster, &namespace, of_app, Update::Pod),
            watch(cluster, &namespace, of_pods, Update::Told),
        ]);
        Self {
            cluster: cluster.clone(),
            namespace,
            updates,
            view: View::default(),
            unlisted: ["Deployment", "ReplicaSet", "Pod"].into(),
            listing: BTreeSet::new(),
            failing_since: None,
        }
    }

    /// Whether everything there is has been seen once.
    pub(super) fn is_complete(&self) -> bool {
        self.unlisted.is_empty()
    }

    /// Waits for the next change and takes it in. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<(), EngineError> {
        match self.updates.next().await.expect("watches never end") {
            Ok(update) => {
                self.failing_since = None;
                self.take(update);
                Ok(())
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: watcher::Error) -> Result<(), EngineError> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        tracing::debug!(namespace = self.namespace, %error, "a watch failed and begins again");
        let is_final = since.elapsed() >= PATIENCE;
        let action = || format!("watch {}", self.namespace);
        match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
                match self.cluster.error(action(), error) {
                    // Waiting gives no rights.
                    error @ EngineError::Forbidden { .. } => Err(error),
                    error if is_final => Err(error),
                    _ => Ok(()),
                }
            }
            watcher::Error::WatchFailed(error) if is_final => Err(self.cluster.error(action(), error)),
            _ => Ok(()),
        }
    }

    fn take(&mut self, update: Update) {
        let view = &mut self.view;
        let (unlisted, listing) = (&mut self.unlisted, &mut self.listing);
        match update {
            Update::Deployment(event) => {
                take(&mut view.deployments, event, unlisted, listing, |d: &Deployment| {
                    (d.name_any(), DeploymentView::from(d))
                });
            }
            Update::ReplicaSet(event) => {
                take(&mut view.replica_sets, event, unlisted, listing, |set: &ReplicaSet| {
                    (set.uid().unwrap_or_default(), ReplicaSetView::from(set))
                });
            }
            Update::Pod(event) => {
                if let Event::Delete(pod) = &event {
                    view.told.remove(&pod.uid().unwrap_or_default());
                }
                take(&mut view.pods, event, unlisted, listing, |pod: &Pod| {
                    (pod.uid().unwrap_or_default(), PodView::from(pod))
                });
            }
            // Events are news: what ages out of the API server was true all the same.
            Update::Told(Event::Apply(event) | Event::InitApply(event)) => {
                if let Some(uid) = event.involved_object.uid.clone() {
                    view.told.entry(uid).or_default().hear(&event);
                }
            }
            Update::Told(_) => {}
        }
    }
}

fn watch<K>(
    cluster: &Cluster,
    namespace: &str,
    config: watcher::Config,
    update: fn(Event<K>) -> Update,
) -> BoxStream<'static, Result<Update, watcher::Error>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let api: Api<K> = Api::namespaced(cluster.client.clone(), namespace);
    watcher(api, config).default_backoff().map(move |event| event.map(update)).boxed()
}

fn take<K: Resource<DynamicType = ()>, V>(
    known: &mut std::collections::BTreeMap<String, V>,
    event: Event<K>,
    unlisted: &mut BTreeSet<&'static str>,
    listing: &mut BTreeSet<String>,
    entry: impl Fn(&K) -> (String, V),
) {
    let kind = std::any::type_name::<K>().rsplit("::").next().unwrap_or_default();
    let mark = |key: &str| format!("{kind} {key}");
    match event {
        Event::Init => listing.retain(|name| !name.starts_with(kind)),
        Event::InitApply(object) => {
            let (key, value) = entry(&object);
            listing.insert(mark(&key));
            known.insert(key, value);
        }
        Event::InitDone => {
            // What a new list does not hold went away while nobody watched.
            known.retain(|key, _| listing.contains(&mark(key)));
            listing.retain(|name| !name.starts_with(kind));
            unlisted.remove(kind);
        }
        Event::Apply(object) => {
            let (key, value) = entry(&object);
            known.insert(key, value);
        }
        Event::Delete(object) => {
            known.remove(&entry(&object).0);
        }
    }
}
