//! Whether an image is still where it was put.

use std::{sync::Arc, time::Duration};

use hops_buildkit::Credentials;
use hops_model::ImageRef;
use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol},
    errors::{OciDistributionError, OciErrorCode},
    secrets::RegistryAuth,
};

/// How long an answer may take. This is a question on the side; without an answer things go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// The registry, as far as it is asked for manifests.
pub(crate) struct Registry {
    client: Client,
    credentials: Arc<dyn Credentials>,
}

impl Registry {
    pub(crate) fn new(is_insecure: bool, credentials: Arc<dyn Credentials>) -> Self {
        let protocol = if is_insecure { ClientProtocol::Http } else { ClientProtocol::Https };
        let config = ClientConfig { protocol, connect_timeout: Some(PATIENCE), ..ClientConfig::default() };
        Self { client: Client::new(config), credentials }
    }

    /// Whether the registry says that it does not have an image. A registry that says nothing clear is given the
    /// benefit of the doubt: machines may have the image already, and who needs it finds out.
    pub(crate) async fn lacks(&self, image: &ImageRef) -> bool {
        let Ok(reference) = image.as_str().parse::<Reference>() else { return true };
        let auth = self.auth(reference.registry()).await;
        let asked = self.client.fetch_manifest_digest(&reference, &auth);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Err(error)) => {
                let is_absent = is_absent(&error);
                tracing::debug!(%image, %error, is_absent, "asked the registry for an image");
                is_absent
            }
            Ok(Ok(_)) | Err(_) => false,
        }
    }

    async fn auth(&self, host: &str) -> RegistryAuth {
        let Some(login) = self.credentials.login(host).await else { return RegistryAuth::Anonymous };
        match str::from_utf8(login.password.expose()) {
            Ok(password) => RegistryAuth::Basic(login.username, password.to_owned()),
            Err(_) => RegistryAuth::Anonymous,
        }
    }
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
