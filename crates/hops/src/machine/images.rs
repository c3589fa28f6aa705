//! What the builder wants to know of images, answered by the engine that keeps them.

use async_trait::async_trait;
use hops_build::{Images, UserUnknown};
use hops_docker::Docker;
use hops_model::{ImageRef, ImageUser};

/// The images of an engine.
pub(super) struct EngineImages(pub(super) Docker);

#[async_trait]
impl Images for EngineImages {
    async fn keeps(&self, image: &ImageRef) -> bool {
        self.0.keep_image(image).await.unwrap_or(true)
    }

    async fn user(&self, image: &ImageRef) -> Result<ImageUser, UserUnknown> {
        self.0.image_user(image).await.map_err(UserUnknown::because)
    }
}
