//! Images: pulled, looked at, and removed when no release needs them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use bollard::{
    auth::DockerCredentials,
    errors::Error,
    query_parameters::{CreateImageOptions, ListContainersOptions, ListImagesOptions, RemoveImageOptions},
};
use futures::TryStreamExt;
use hops_engine::EngineError;
use hops_model::{AppName, Cause, CauseCode, ImageRef, ImageUser};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    daemon::Daemon,
    disk,
    error::{self, CreateError},
    render,
};

/// How often a pull that may pass is tried, with growing pauses: some seven seconds in all.
const PULLS: usize = 4;

/// Images as young as this belong to a release that is on its way, and that nobody has written down yet.
const YOUNG: Duration = Duration::from_hours(1);

impl Daemon {
    /// Whether the daemon has an image.
    pub(crate) async fn has_image(&self, image: &ImageRef) -> Result<bool, EngineError> {
        match self.client().inspect_image(render::reference(image)).await {
            Ok(_) => Ok(true),
            Err(error) if error::is_missing(&error) => Ok(false),
            Err(error) => Err(self.error(format!("look for the image {image}"), error)),
        }
    }

    /// Whether the daemon has an image. It is as [young](YOUNG) from then on as one made just now: it is used again, and no
    /// release may have named it for long.
    pub(crate) async fn keep_image(&self, image: &ImageRef) -> Result<bool, EngineError> {
        let mut in_use = self.images_in_use().await;
        match self.client().inspect_image(render::reference(image)).await {
            Ok(found) => {
                in_use.extend(found.id.map(|id| (id, Instant::now())));
                Ok(true)
            }
            Err(error) if error::is_missing(&error) => Ok(false),
            Err(error) => Err(self.error(format!("look for the image {image}"), error)),
        }
    }

    /// Whom an image that the daemon has runs as.
    pub(crate) async fn image_user(&self, image: &ImageRef) -> Result<ImageUser, EngineError> {
        let found = self.client().inspect_image(render::reference(image)).await;
        let found = found.map_err(|error| self.error(format!("look at the image {image}"), error))?;
        let user = found.config.and_then(|config| config.user);
        Ok(user.map_or(ImageUser::Root, |user| ImageUser::parse(&user)))
    }

    /// Pulls an image if the daemon does not have it.
    pub(crate) async fn ensure_image(&self, image: &ImageRef) -> Result<(), CreateError> {
        if self.has_image(image).await? {
            return Ok(());
        }
        if image.is_local() {
            return Err(missing(image).into());
        }
        let credentials = self.credentials(image).await?;
        let pull = || self.pull(image, credentials.clone());
        let pauses = ExponentialBuilder::default().with_max_times(PULLS - 1);
        let pulled = pull.retry(pauses).sleep(tokio::time::sleep).when(|error| !is_final(error)).await;
        pulled.map_err(|error| match words(&error) {
            Some(words) if let Some(cause) = disk::written_full(words) => cause.into(),
            Some(words) => {
                let help = "see that the image is there, and that `logins` in HOPS' configuration has an account for its registry if it needs one";
                let cause =
                    Cause::new(CauseCode::ImagePullFailed, format!("the image {image} cannot be pulled"), help);
                cause.with_proof(words).into()
            }
            None => self.error(format!("pull the image {image}"), error).into(),
        })
    }

    async fn pull(&self, image: &ImageRef, credentials: Option<DockerCredentials>) -> Result<(), Error> {
        let options = CreateImageOptions {
            from_image: Some(image.as_str().to_owned()),
            ..CreateImageOptions::default()
        };
        self.client().create_image(Some(options), None, credentials).try_for_each(|_| async { Ok(()) }).await
    }

    async fn credentials(&self, image: &ImageRef) -> Result<Option<DockerCredentials>, Cause> {
        let registry = registry(image);
        let Some(login) = self.settings().logins.get(registry) else { return Ok(None) };
        let password = tokio::fs::read_to_string(&login.password_file).await.map_err(|error| {
            let file = login.password_file.display();
            let help = format!("let the user that runs HOPS read {file}");
            let message = format!("the password for {registry} cannot be read from {file}: {error}");
            Cause::new(CauseCode::ImagePullFailed, message, help)
        })?;
        Ok(Some(DockerCredentials {
            username: Some(login.username.clone()),
            password: Some(password.trim_end_matches(['\r', '\n']).to_owned()),
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        }))
    }

    /// Removes images of an app that HOPS built here, and that neither `keep` names nor a container uses. `keep` names
    /// what every environment of the app may still go back to. Gives the number of those removed.
    pub(crate) async fn prune_images(
        &self,
        app: &AppName,
        keep: &BTreeSet<ImageRef>,
    ) -> Result<usize, EngineError> {
        self.prune_images_older_than(YOUNG, app, keep).await
    }

    pub(crate) async fn prune_images_older_than(
        &self,
        age: Duration,
        app: &AppName,
        keep: &BTreeSet<ImageRef>,
    ) -> Result<usize, EngineError> {
        let repositories = format!("{}{}/", self.settings().repositories(), app.dns());
        let failed = |error| self.error(format!("list the images of {app}"), error);
        let filters = HashMap::from([("reference".to_owned(), vec![format!("{repositories}*")])]);
        let options = ListImagesOptions { filters: Some(filters), ..ListImagesOptions::default() };
        let images = self.client().list_images(Some(options)).await.map_err(failed)?;
        let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
        let containers = self.client().list_containers(Some(options)).await.map_err(failed)?;
        let used: HashSet<String> =
            containers.into_iter().filter_map(|container| container.image_id).collect();
        let kept: HashSet<&str> = keep.iter().map(render::reference).collect();
        let mut removed = 0;
        for image in images {
            let is_kept = kept.contains(image.id.as_str())
                || image.repo_tags.iter().chain(&image.repo_digests).any(|name| kept.contains(name.as_str()));
            if is_kept || used.contains(&image.id) {
                continue;
            }
            let mut in_use = self.images_in_use().await;
            in_use.retain(|_, since| since.elapsed() < age);
            if in_use.contains_key(&image.id) || self.is_younger_than(age, &image.id).await? {
                continue;
            }
            // By name: what somebody gave the same image another name for stays under that one.
            for name in image.repo_tags.iter().filter(|name| name.starts_with(&repositories)) {
                match self.client().remove_image(name, None::<RemoveImageOptions>, None).await {
                    Ok(_) => removed += 1,
                    // Gone, or in use, meanwhile.
                    Err(error) if matches!(error::answer(&error), Some((404 | 409, _))) => {}
                    Err(error) => return Err(self.error(format!("remove the image {name}"), error)),
                }
            }
        }
        Ok(removed)
    }

    async fn is_younger_than(&self, age: Duration, id: &str) -> Result<bool, EngineError> {
        let found = match self.client().inspect_image(id).await {
            Err(error) if error::is_missing(&error) => return Ok(true),
            result => result.map_err(|error| self.error(format!("look at the image {id}"), error))?,
        };
        // When it was built may be long ago, or 1970, for the sake of reproducible builds.
        let tagged = found.metadata.and_then(|metadata| metadata.last_tag_time);
        let tagged: Option<Timestamp> = tagged.and_then(|time| time.parse().ok());
        Ok(tagged.is_some_and(|tagged| Timestamp::now().duration_since(tagged).unsigned_abs() < age))
    }
}

/// That an image which cannot be pulled is gone.
pub(crate) fn missing(image: &ImageRef) -> Cause {
    let message = format!("the image {image} is no longer on this machine");
    Cause::new(CauseCode::ImagePullFailed, message, "deploy the commit again, which builds it")
}

/// The registry that a reference names: its first part, where that is a host.
fn registry(image: &ImageRef) -> &str {
    match image.repository().split_once('/') {
        Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => host,
        _ => "docker.io",
    }
}

/// What the registry or the daemon said of a pull.
fn words(error: &Error) -> Option<&str> {
    match error {
        Error::DockerStreamError { error } => Some(error.trim()),
        error => error::answer(error).map(|(_, words)| words),
    }
}

/// Whether pulling again can only fail again: the image is not there, or may not be read; or the daemon is away.
fn is_final(error: &Error) -> bool {
    let Some(words) = words(error) else { return true };
    let words = words.to_ascii_lowercase();
    [
        "not found",
        "manifest unknown",
        "unauthorized",
        "authorization failed",
        "access denied",
        "access to the resource is denied",
        "access forbidden",
        "insufficient_scope",
        "403 forbidden",
        "no match for platform",
        "no matching manifest",
        "invalid reference format",
        "no such host",
        "no space left",
    ]
    .iter()
    .any(|known| words.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_first_part_that_is_a_host() {
        let check = |text: &str, expected: &str| {
            assert_eq!(registry(&ImageRef::parse(text).unwrap()), expected, "{text}");
        };
        check("nginx:1", "docker.io");
        check("library/nginx:1", "docker.io");
        check("ghcr.io/shop/web:1", "ghcr.io");
        check("127.0.0.1:5000/web:1", "127.0.0.1:5000");
        check("localhost/web:1", "localhost");
    }
}
