//! The cache: in the registry, what lets a builder that is new begin where another one was; in an engine, what must not
//! fill the disk.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hops_buildkit::{BuildError, Built, Cache, Client, Image, Solve};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Writes caches after builds, not within them: a deploy does not wait for what only a later one may need. And has
/// them read only for the first build of an image, or after the builder was away: a builder that has just built it
/// has a better cache of its own, and asking the registry takes half as long as all the rest of a small change.
#[derive(Default)]
pub(super) struct CacheKeeper {
    /// By the image's repository: what writes its cache, or did.
    writing: Mutex<HashMap<String, JoinHandle<()>>>,
    /// Repositories that the builder has built, since it was last away.
    warm: Mutex<HashSet<String>>,
    /// When the engine's cache was last cut to size.
    pruned: Mutex<Option<Instant>>,
}

/// Between two prunings: the engine looks at all that it has, and cannot do much else meanwhile.
const PRUNE_PAUSE: Duration = Duration::from_mins(10);

/// Where the cache of an image's build is kept.
pub(super) fn reference(repository: &str, insecure: bool) -> Cache {
    Cache { reference: format!("{repository}:cache"), insecure }
}

impl CacheKeeper {
    /// Whether the builder is taken to have the cache of an image's builds.
    pub(super) fn is_warm(&self, repository: &str) -> bool {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner).contains(repository)
    }

    /// Notes how a build ended: a builder that was away may be a new one, with an empty cache.
    pub(super) fn note(&self, repository: &str, built: &Result<Built, BuildError>) {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        match built {
            Ok(_) => drop(warm.insert(repository.to_owned())),
            Err(BuildError::Connect { .. } | BuildError::Lost { .. }) => warm.clear(),
            Err(_) => {}
        }
    }

    /// Writes the cache of a build that has just succeeded, in the background: the same build once more, which the
    /// builder answers from what it has, with the cache as its only result. That it fails only costs time later.
    pub(super) fn export(&self, client: &Client, mut solve: Solve, insecure: bool) {
        let (client, repository) = (client.clone(), solve.shared_key.clone());
        solve.cache_to = vec![reference(&repository, insecure)];
        solve.image = Image::default();
        let name = repository.clone();
        let task = tokio::spawn(async move {
            let (progress, _) = mpsc::channel(1);
            if let Err(error) = client.solve(&solve, progress, &CancellationToken::new()).await {
                tracing::warn!(%error, repository, "cannot keep a build's cache in the registry");
            }
        });
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).insert(name, task);
    }

    /// Has an engine forget what it used longest ago of all that is over `keep` bytes, in the background, and not with
    /// every build.
    pub(super) fn prune(&self, client: &Client, keep: u64) {
        let mut pruned = self.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        if pruned.is_some_and(|last| last.elapsed() < PRUNE_PAUSE) {
            return;
        }
        *pruned = Some(Instant::now());
        let client = client.clone();
        tokio::spawn(async move {
            match client.prune(keep).await {
                Ok(freed) => tracing::debug!(
                    freed_bytes = freed.bytes,
                    records = freed.records,
                    "pruned the build cache"
                ),
                Err(error) => tracing::warn!(%error, "cannot prune the build cache"),
            }
        });
    }

    /// Stops writing the cache of an image that is about to be built anew: the files that the builder has of it serve
    /// one build at a time, and another one meanwhile would have to be sent all of them.
    pub(super) async fn make_way(&self, repository: &str) {
        let task = self.writing.lock().unwrap_or_else(PoisonError::into_inner).remove(repository);
        if let Some(task) = task {
            task.abort();
            // Cancelled or done: either way it is over.
            let _ = task.await;
        }
    }
}

impl Drop for CacheKeeper {
    fn drop(&mut self) {
        for task in self.writing.lock().unwrap_or_else(PoisonError::into_inner).values() {
            task.abort();
        }
    }
}
