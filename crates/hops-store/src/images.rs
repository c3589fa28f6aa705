//! Which image a build's input became, so that the same input is not built again.

use hops_model::{BuiltImage, ImageUser};
use jiff::Timestamp;

use crate::{Store, StoreError, decode::Row, error::DoingExt};

impl Store {
    /// The image that an input became; `input` is the hash of all that goes into the build.
    pub async fn image_for(&self, input: &str) -> Result<Option<BuiltImage>, StoreError> {
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT image, image_user FROM images WHERE input = $1")
                .bind(input)
                .fetch_optional(self.reader())
                .await
                .doing("look for a built image")?;
        let Some((image, user)) = found else { return Ok(None) };
        let reference = Row::new("images", &input).parse("image", &image)?;
        Ok(Some(BuiltImage { reference, user: ImageUser::parse(&user) }))
    }

    /// Remembers what an input became; a later build of the same input takes its place.
    pub async fn remember_image(
        &self,
        input: &str,
        image: &BuiltImage,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO images (input, image, image_user, built_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (input) DO UPDATE
             SET image = excluded.image, image_user = excluded.image_user, built_at = excluded.built_at",
        )
        .bind(input)
        .bind(image.reference.as_str())
        .bind(image.user.to_string())
        .bind(at.as_millisecond())
        .execute(self.writer())
        .await
        .map(drop)
        .doing("remember the image")
    }
}
