//! Removing an app from an environment.

use std::time::Duration;

use futures::future;
use hops_engine::EngineError;
use hops_model::Target;

use crate::engine::Inner;

/// What an app gets between SIGTERM and SIGKILL (design.md 1, promise 6).
const GRACE: Duration = Duration::from_secs(30);

/// Removes all that there is of an app in an environment, and waits until it is gone: routes first, then containers,
/// then the network. The record goes last, so that a removal that is cut off is finished by the next one.
pub(crate) async fn remove(inner: &Inner, target: &Target) -> Result<(), EngineError> {
    // What cannot be read is left alone as a whole.
    inner.site.ledger.record(target).await?;
    let retired = inner.keepers(target).await.into_iter().map(|keeper| async move {
        // A keeper that has ended keeps nothing.
        keeper.retire().await.unwrap_or(Ok(()))
    });
    future::try_join_all(retired).await?;
    // What no keeper knows of.
    let daemon = &inner.site.daemon;
    let left = daemon.instances(Some(target)).await?;
    future::try_join_all(left.iter().map(|instance| async {
        daemon.stop(&instance.id, GRACE).await?;
        daemon.remove(&instance.id).await
    }))
    .await?;
    daemon.remove_network(target).await?;
    inner.site.siblings.remove(target);
    inner.site.ledger.remove(target).await?;
    inner.forget(target).await;
    inner.prune(&target.app);
    Ok(())
}
