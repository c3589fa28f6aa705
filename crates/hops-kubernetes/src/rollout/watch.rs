//! The watches behind a [`View`].

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

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
use tokio::time::{self, Instant};

use super::view::{DeploymentView, PodView, ReplicaSetView, View};
use crate::{
    error::{Cluster, ENGINE},
    labels,
};

/// An API server that lists nothing, or of which something cannot be watched, for this long is away.
const PATIENCE: Duration = Duration::from_mins(1);

/// Watches what an app's roll-outs are decided by.
pub(super) struct Watch {
    cluster: Cluster,
    namespace: String,
    updates: SelectAll<BoxStream<'static, (&'static str, Result<Update, watcher::Error>)>>,
    /// What is known.
    pub(super) view: View,
    /// Kinds whose first list is not complete.
    unlisted: BTreeSet<&'static str>,
    /// When everything has to have been listed.
    listed_by: Instant,
    /// Names seen in a list that is being read.
    listing: BTreeSet<String>,
    /// Kinds whose watch fails. One that is well says nothing about the others.
    failing: BTreeMap<&'static str, Failing>,
}

/// How long a watch has failed.
#[derive(Clone, Copy)]
struct Failing {
    since: Instant,
    last: Instant,
}

/// A watch that is well again says nothing of it. One that goes on failing says so at least this often: an attempt ends
/// within the client's five minutes, and the next one begins within another half.
const WELL_AFTER: Duration = Duration::from_mins(6);

enum Update {
    Deployment(Event<Deployment>),
    ReplicaSet(Event<ReplicaSet>),
    Pod(Event<Pod>),
    Told(Event<Told>),
}

impl Update {
    /// Whether it says only that a list is about to be read, which may fail.
    fn is_attempt(&self) -> bool {
        matches!(
            self,
            Self::Deployment(Event::Init)
                | Self::ReplicaSet(Event::Init)
                | Self::Pod(Event::Init)
                | Self::Told(Event::Init)
        )
    }
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
            listed_by: Instant::now() + PATIENCE,
            listing: BTreeSet::new(),
            failing: BTreeMap::new(),
        }
    }

    /// Whether everything there is has been seen once.
    pub(super) fn is_complete(&self) -> bool {
        self.unlisted.is_empty()
    }

    /// Waits for the next change and takes it in. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<(), EngineError> {
        let next = self.updates.next();
        let next = if self.unlisted.is_empty() {
            next.await
        } else {
            // However busy the other watches are.
            let is_late = Instant::now() >= self.listed_by;
            let next = if is_late { None } else { time::timeout_at(self.listed_by, next).await.ok() };
            next.ok_or_else(|| self.not_listed())?
        };
        let (kind, update) = next.expect("watches never end");
        match update {
            Ok(update) => {
                if !update.is_attempt() {
                    self.failing.remove(kind);
                }
                self.take(update);
                Ok(())
            }
            Err(error) => self.fail(kind, error),
        }
    }

    fn not_listed(&self) -> EngineError {
        let kinds: Vec<&str> = self.unlisted.iter().copied().collect();
        let words = format!(
            "it did not list the kind {} in {} within {} s",
            kinds.join(", "),
            self.namespace,
            PATIENCE.as_secs()
        );
        EngineError::Unreachable {
            engine: ENGINE,
            address: self.cluster.address.clone(),
            source: words.into(),
        }
    }

    fn fail(&mut self, kind: &'static str, error: watcher::Error) -> Result<(), EngineError> {
        let now = Instant::now();
        let failing = self.failing.get(kind).filter(|failing| failing.last.elapsed() < WELL_AFTER);
        let since = failing.map_or(now, |failing| failing.since);
        self.failing.insert(kind, Failing { since, last: now });
        tracing::debug!(namespace = self.namespace, kind, %error, "a watch failed and begins again");
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

/// The name of a kind, as in `Pod`.
fn kind<K>() -> &'static str {
    std::any::type_name::<K>().rsplit("::").next().unwrap_or_default()
}

fn watch<K>(
    cluster: &Cluster,
    namespace: &str,
    config: watcher::Config,
    update: fn(Event<K>) -> Update,
) -> BoxStream<'static, (&'static str, Result<Update, watcher::Error>)>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let api: Api<K> = Api::namespaced(cluster.client.clone(), namespace);
    watcher(api, config).default_backoff().map(move |event| (kind::<K>(), event.map(update))).boxed()
}

fn take<K: Resource<DynamicType = ()>, V>(
    known: &mut BTreeMap<String, V>,
    event: Event<K>,
    unlisted: &mut BTreeSet<&'static str>,
    listing: &mut BTreeSet<String>,
    entry: impl Fn(&K) -> (String, V),
) {
    let kind = kind::<K>();
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

#[cfg(test)]
mod tests {
    use hops_model::{AppName, Environment};
    use kube::{Client, client::Body};
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;

    /// Begins to watch at an API server that answers so.
    fn watch_at(answer: impl Fn(&str, bool) -> Option<Value> + Clone + Send + 'static) -> Watch {
        let service = service_fn(move |request: http::Request<Body>| {
            let (uri, answer) = (request.uri().clone(), answer.clone());
            async move {
                // A second for each, so that the clock of the test goes on.
                time::sleep(Duration::from_secs(1)).await;
                let is_watch = uri.query().is_some_and(|query| query.contains("watch=true"));
                let Some(body) = answer(uri.path(), is_watch) else { return std::future::pending().await };
                let code = body["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
                let response = http::Response::builder().status(code);
                Ok::<_, std::io::Error>(response.body(Body::from(body.to_string().into_bytes())).unwrap())
            }
        });
        let client = Client::new(service, "default");
        let cluster = Cluster { client, address: "https://192.0.2.1/".to_owned() };
        Watch::begin(&cluster, &Target::new(AppName::parse("shop").unwrap(), Environment::Prod))
    }

    /// What a healthy API server says of a kind, whose watches end again and again.
    fn healthy(is_watch: bool) -> Value {
        let metadata = json!({"resourceVersion": "1"});
        if is_watch {
            json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}})
        } else {
            json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": []})
        }
    }

    async fn until_it_fails(mut watch: Watch) -> (EngineError, Duration) {
        let begun = Instant::now();
        loop {
            if let Err(error) = watch.next().await {
                return (error, begun.elapsed());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_kind_that_cannot_be_watched_ends_the_wait_however_busy_the_others_are() {
        let away = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "etcd has no leader", "reason": "InternalError", "code": 500,
        });
        for kind in ["/replicasets", "/events"] {
            let away = away.clone();
            let watch = watch_at(move |path, is_watch| {
                Some(if path.ends_with(kind) { away.clone() } else { healthy(is_watch) })
            });
            let (error, waited) = until_it_fails(watch).await;
            assert!(error.is_transient(), "{error}");
            // An attempt is made at least every half minute.
            assert!(waited >= PATIENCE && waited <= PATIENCE * 2, "{kind}: {waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_never_comes_is_named() {
        let watch = watch_at(|path, is_watch| (!path.ends_with("/pods")).then(|| healthy(is_watch)));
        let (error, waited) = until_it_fails(watch).await;
        let words = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(words, "it did not list the kind Pod in apps-shop-prod within 60 s");
        assert_eq!(waited, PATIENCE);
    }
}
