//! Which image a build's input became, so that the same input is not built again.

use hops_model::ImageRef;
use jiff::Timestamp;

use crate::{Store, StoreError, decode::Row, error::DoingExt};

impl Store {
    /// The image that an input became; `input` is the hash of all that goes into the build.
    pub async fn image_for(&self, input: &str) -> Result<Option<ImageRef>, StoreError> {
        let image: Option<String> = sqlx::query_scalar("SELECT image FROM images WHERE input = $1")
            .bind(input)
            .fetch_optional(self.reader())
            .await
            .doing("look for a built image")?;
        image.map(|text| Row::new("images", &input).parse("image", &text)).transpose()
    }

    /// Remembers what an input became; a later build of the same input takes its place.
    pub async fn remember_image(
        &self,
        input: &str,
        image: &ImageRef,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO images (input, image, built_at) VALUES ($1, $2, $3)
             ON CONFLICT (input) DO UPDATE SET image = excluded.image, built_at = excluded.built_at",
        )
        .bind(input)
        .bind(image.as_str())
        .bind(at.as_millisecond())
        .execute(self.writer())
        .await
        .map(drop)
        .doing("remember the image")
    }
}
