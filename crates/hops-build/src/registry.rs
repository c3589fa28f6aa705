//! What the registry knows of an image: whether it is still there, and whom it runs as.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hops_buildkit::Credentials;
use hops_model::{ImageRef, ImageUser};
use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol, linux_amd64_resolver},
    errors::{OciDistributionError, OciErrorCode},
    secrets::RegistryAuth,
};
use thiserror::Error;

use crate::{Images, UserUnknown};

/// How long an answer may take. This is a question on the side; without an answer things go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an image's user is not known.
#[derive(Debug, Error)]
enum RegistryError {
    /// The reference is none for a registry.
    #[error("`{0}` is no reference that a registry takes")]
    Reference(ImageRef),
    /// No answer in time.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    /// The registry's answer is an error.
    #[error(transparent)]
    Refused(#[from] OciDistributionError),
    /// The configuration is no JSON.
    #[error("the image's configuration cannot be read")]
    Configuration(#[from] serde_json::Error),
}

/// The registry, as far as it is asked for manifests and configurations.
pub(crate) struct Registry {
    client: Client,
    credentials: Arc<dyn Credentials>,
}

impl Registry {
    pub(crate) fn new(is_insecure: bool, credentials: Arc<dyn Credentials>) -> Self {
        let protocol = if is_insecure { ClientProtocol::Http } else { ClientProtocol::Https };
        let config = ClientConfig {
            protocol,
            connect_timeout: Some(PATIENCE),
            // A builder that attaches attestations makes an index of one image and what is said of it.
            platform_resolver: Some(Box::new(linux_amd64_resolver)),
            ..ClientConfig::default()
        };
        Self { client: Client::new(config), credentials }
    }

    async fn configuration(&self, image: &ImageRef) -> Result<String, RegistryError> {
        let reference: Reference =
            image.as_str().parse().map_err(|_| RegistryError::Reference(image.clone()))?;
        let auth = self.auth(reference.registry()).await;
        let asked = self.client.pull_manifest_and_config(&reference, &auth);
        let answer = tokio::time::timeout(PATIENCE, asked).await.map_err(|_| RegistryError::Late)?;
        let (_manifest, _digest, configuration) = answer?;
        Ok(configuration)
    }

    async fn auth(&self, host: &str) -> RegistryAuth {
        let Some(login) = self.credentials.login(host).await else { return RegistryAuth::Anonymous };
        match str::from_utf8(login.password.expose()) {
            Ok(password) => RegistryAuth::Basic(login.username, password.to_owned()),
            Err(_) => RegistryAuth::Anonymous,
        }
    }
}

#[async_trait]
impl Images for Registry {
    /// Machines may have the image of a registry that does not answer already.
    async fn keeps(&self, image: &ImageRef) -> bool {
        let Ok(reference) = image.as_str().parse::<Reference>() else { return false };
        let auth = self.auth(reference.registry()).await;
        let asked = self.client.fetch_manifest_digest(&reference, &auth);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Err(error)) => {
                let is_absent = is_absent(&error);
                tracing::debug!(%image, %error, is_absent, "asked the registry for an image");
                !is_absent
            }
            Ok(Ok(_)) | Err(_) => true,
        }
    }

    async fn user(&self, image: &ImageRef) -> Result<ImageUser, UserUnknown> {
        let known = async { Ok::<_, RegistryError>(user(&self.configuration(image).await?)?) };
        known.await.map_err(UserUnknown::because)
    }
}

/// `config.User` of the OCI image specification; an image may lack it, and all of `config`.
fn user(configuration: &str) -> serde_json::Result<ImageUser> {
    let configuration: serde_json::Value = serde_json::from_str(configuration)?;
    let user = configuration.pointer("/config/User").and_then(serde_json::Value::as_str);
    Ok(ImageUser::parse(user.unwrap_or_default()))
}

fn is_absent(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => envelope.errors.iter().any(|error| {
            let codes = [OciErrorCode::ManifestUnknown, OciErrorCode::NameUnknown, OciErrorCode::NotFound];
            codes.contains(&error.code)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_without_a_user_is_roots() {
        for text in ["{}", r#"{"config":null}"#, r#"{"config":{}}"#, r#"{"config":{"User":""}}"#] {
            assert_eq!(user(text).unwrap(), ImageUser::Root, "{text}");
        }
        assert_eq!(user(r#"{"config":{"User":"65532"}}"#).unwrap(), ImageUser::Number(65532));
        assert!(user("<html>").is_err());
    }
}
