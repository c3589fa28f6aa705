//! Removing an app from an environment: what runs of it, then what is known of it. Deploys of it wait meanwhile.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use hops_engine::EngineError;
use hops_model::Target;
use hops_store::StoreError;
use jiff::Timestamp;

use crate::{
    ControlError,
    runner::{Runner, pause},
};

impl Runner {
    /// Removes a target. It goes on where this is dropped, and at the next start where HOPS ends.
    pub(crate) async fn remove(self: &Arc<Self>, target: &Target) -> Result<(), ControlError> {
        let (runner, target) = (Arc::clone(self), target.clone());
        self.to_its_end(async move {
            runner.parts.store.begin_removal(&target, Timestamp::now()).await?;
            let removed = runner.remove_from_the_engine(&target).await;
            runner.end_removal(&target, removed).await
        })
        .await
    }

    /// Goes on with a removal that a former server had begun; an engine that is away is waited for.
    pub(crate) fn take_up_removal(self: &Arc<Self>, target: Target) {
        tracing::info!(%target, "going on with a removal");
        let runner = Arc::clone(self);
        self.jobs.spawn(async move {
            let removal = async {
                let removed = loop {
                    match runner.remove_from_the_engine(&target).await {
                        Err(error) if error.is_transient() => {
                            tracing::warn!(%target, %error, "a removal waits for the engine");
                            pause().await;
                        }
                        removed => break removed,
                    }
                };
                if let Err(error) = runner.end_removal(&target, removed).await {
                    tracing::error!(%target, error = &error as &dyn std::error::Error, "a removal failed");
                }
            };
            tokio::select! {
                () = removal => {}
                () = runner.stop.cancelled() => {}
            }
        });
    }

    async fn remove_from_the_engine(&self, target: &Target) -> Result<(), EngineError> {
        let removing = AssertUnwindSafe(self.parts.engine.remove(target)).catch_unwind().await;
        removing.unwrap_or_else(|_| {
            let source = "HOPS itself failed; its log shows where".into();
            let (engine, action) = (self.parts.engine.name(), format!("remove {target}"));
            Err(EngineError::Failed { engine, action, source })
        })
    }

    /// Ends a removal in either way.
    async fn end_removal(
        &self,
        target: &Target,
        removed: Result<(), EngineError>,
    ) -> Result<(), ControlError> {
        let store = &self.parts.store;
        match &removed {
            Ok(()) => written(|| store.finish_removal(target)).await?,
            // What is left of it runs on, and may be deployed or removed again.
            Err(_) => written(|| store.abandon_removal(target)).await?,
        }
        // Deploys may have been waiting for it.
        self.wake();
        Ok(removed?)
    }
}

/// Writes the end of a removal; what may pass is waited out.
async fn written<F: Future<Output = Result<(), StoreError>>>(
    write: impl Fn() -> F,
) -> Result<(), StoreError> {
    loop {
        match write().await {
            Err(error) if error.is_passing() => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the end of a removal cannot be written"
                );
                pause().await;
            }
            result => return result,
        }
    }
}
