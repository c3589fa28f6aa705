//! Where images are kept once they are built.

use std::error::Error;

use async_trait::async_trait;
use hops_model::{ImageRef, ImageUser};

/// The place where built images are: a registry, or the container engine whose builder made them.
#[async_trait]
pub trait Images: Send + Sync {
    /// Whether an image is still there; then it stays as long as one that was built just now. Otherwise it has to be built
    /// again. A place that says nothing clear is given the benefit of the doubt: whoever needs the image finds out.
    async fn keeps(&self, image: &ImageRef) -> bool;

    /// Whom an image runs as, by its configuration.
    async fn user(&self, image: &ImageRef) -> Result<ImageUser, UserUnknown>;
}

/// Why it is not known whom an image runs as, in the words of the place that was asked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct UserUnknown(#[from] Box<dyn Error + Send + Sync>);

impl UserUnknown {
    /// For this reason.
    pub fn because(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}
