//! Build secrets, handed out one by one.

use std::collections::BTreeMap;

use bollard_buildkit_proto::moby::buildkit::secrets::v1::{
    GetSecretRequest, GetSecretResponse, secrets_server::Secrets,
};
use tonic::{Request, Response, Status};

use crate::secret::SecretValue;

/// The secrets of one build.
pub(super) struct SharedSecrets(pub(super) BTreeMap<String, SecretValue>);

#[async_trait::async_trait]
impl Secrets for SharedSecrets {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        // The daemon takes "not found" to mean: go on without, unless the Dockerfile says `required`.
        let secret = self.0.get(id).ok_or_else(|| Status::not_found(format!("no secret `{id}`")))?;
        Ok(Response::new(GetSecretResponse { data: secret.expose().to_vec() }))
    }
}
