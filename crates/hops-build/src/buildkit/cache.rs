//! The cache in the registry: what lets a builder that is new begin where another one was.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use hops_buildkit::{Cache, Client, Image, Solve};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Writes caches after builds, not within them: a deploy does not wait for what only a later one may need.
#[derive(Clone, Default)]
pub(super) struct CacheKeeper {
    /// Repositories whose cache is being written.
    busy: Arc<Mutex<HashSet<String>>>,
}

/// Where the cache of an image's build is kept.
pub(super) fn reference(repository: &str, insecure: bool) -> Cache {
    Cache { reference: format!("{repository}:cache"), insecure }
}

impl CacheKeeper {
    /// Writes the cache of a build that has just succeeded, in the background: the same build once more, which the
    /// builder answers from what it has, with the cache as its only result. One at a time an image; the cache of a
    /// build that ends meanwhile is written by the next one. That it fails only costs time later.
    pub(super) fn export(&self, client: &Client, mut solve: Solve) {
        let repository = solve.shared_key.clone();
        if !self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.clone()) {
            return;
        }
        solve.cache_to = vec![reference(&repository, solve.image.insecure)];
        solve.image = Image { names: Vec::new(), push: false, insecure: solve.image.insecure };
        let (keeper, client) = (self.clone(), client.clone());
        tokio::spawn(async move {
            let (progress, _) = mpsc::channel(1);
            if let Err(error) = client.solve(&solve, progress, &CancellationToken::new()).await {
                tracing::warn!(%error, repository, "cannot keep a build's cache in the registry");
            }
            keeper.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&repository);
        });
    }
}
