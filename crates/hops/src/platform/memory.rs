//! The builder's memory, in the store.

use async_trait::async_trait;
use hops_build::{BuildMemory, InputHash};
use hops_model::BuiltImage;
use hops_store::Store;
use jiff::Timestamp;

/// Remembers images in the store.
pub(crate) struct Memory(Store);

impl Memory {
    /// A memory in a store.
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }
}

#[async_trait]
impl BuildMemory for Memory {
    async fn image_for(&self, input: &InputHash) -> Option<BuiltImage> {
        self.0.image_for(input.as_str()).await.unwrap_or_else(|error| {
            tracing::warn!(
                error = &error as &(dyn std::error::Error + 'static),
                "cannot look for an earlier image"
            );
            None
        })
    }

    async fn remember(&self, input: &InputHash, image: &BuiltImage) {
        if let Err(error) = self.0.remember_image(input.as_str(), image, Timestamp::now()).await {
            tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "cannot remember an image");
        }
    }
}
