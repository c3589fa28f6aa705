//! Container images, and references to them.

use thiserror::Error;

use crate::{ImageUser, text_type};

/// An image by repository and content digest, as in `registry.example/shop/web@sha256:…`; or, where nothing has
/// been built yet (`hops render`), by repository and tag. One that is in no registry is [local](Self::is_local).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef(String);

/// An image, with what has to be known of it to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// Where it is.
    pub reference: ImageRef,
    /// Whom its process runs as.
    pub user: ImageUser,
}

/// A text that is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not an image reference; write `repository@sha256:…` or `repository:tag`")]
pub struct ImageRefError(pub String);

impl ImageRef {
    /// What the repository of an image begins with that is in no registry, but kept where it was built.
    pub const LOCAL: &str = "hops.local/";

    /// Parses a reference; it needs a repository and either a digest or a tag.
    pub fn parse(text: &str) -> Result<Self, ImageRefError> {
        let error = || ImageRefError(text.to_owned());
        let (repository, digest) = match text.split_once('@') {
            Some((repository, digest)) => (repository, Some(digest)),
            None => (text.rsplit_once(':').ok_or_else(error)?.0, None),
        };
        let digest_fits = digest.is_none_or(|digest| {
            digest
                .strip_prefix("sha256:")
                .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        });
        let plain = !text.contains(char::is_whitespace) && !repository.is_empty();
        // `registry:5000/web` has a colon but no tag: what follows the last colon would hold a slash.
        let tagged = digest.is_some() || text.rsplit(':').next().is_some_and(|tag| !tag.contains('/'));
        if digest_fits && plain && tagged { Ok(Self(text.to_owned())) } else { Err(error()) }
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The content digest, `sha256:…`, where the reference has one.
    pub fn digest(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, digest)| digest)
    }

    /// Whether the image is kept by the container engine that built it, and is in no registry: it cannot be pulled, and
    /// the engine knows it by its [digest](Self::digest) alone, which it calls the image's id. (With Docker's classic
    /// store that is the digest of the configuration, with the containerd store that of the manifest; an engine takes
    /// its own as the image of a new container.) The repository is then no more than a name for people.
    pub fn is_local(&self) -> bool {
        self.0.starts_with(Self::LOCAL)
    }

    /// The repository, without digest and tag.
    pub fn repository(&self) -> &str {
        match self.0.split_once('@') {
            Some((repository, _)) => repository,
            None => self.0.rsplit_once(':').map_or(self.0.as_str(), |(repository, _)| repository),
        }
    }
}

text_type!(ImageRef, ImageRefError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_tags_are_read() {
        let digest = format!("127.0.0.1:5000/shop/web@sha256:{}", "a".repeat(64));
        let image = ImageRef::parse(&digest).unwrap();
        assert_eq!(image.repository(), "127.0.0.1:5000/shop/web");
        assert!(image.digest().is_some());
        assert_eq!(ImageRef::parse("r:5000/web:1").unwrap().repository(), "r:5000/web");
    }

    #[test]
    fn an_image_in_no_registry_says_so() {
        for (text, is_local) in
            [("hops.local/shop/web", true), ("hops.localhost/web", false), ("r/hops.local/web", false)]
        {
            let image = ImageRef::parse(&format!("{text}@sha256:{}", "a".repeat(64))).unwrap();
            assert_eq!(image.is_local(), is_local, "{text}");
        }
    }

    #[test]
    fn a_repository_alone_is_not_enough() {
        for text in ["", "web", "r:5000/web", "web@sha256:12", ":1", "a b:1"] {
            assert!(ImageRef::parse(text).is_err(), "{text}");
        }
    }
}
