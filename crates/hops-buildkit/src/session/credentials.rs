//! Logins for registries.

use std::sync::Arc;

use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse, auth_server::Auth,
};
use tonic::{Request, Response, Status};

use crate::secret::Credentials;

/// The logins of one build.
pub(super) struct SharedCredentials(pub(super) Arc<dyn Credentials>);

#[async_trait::async_trait]
impl Auth for SharedCredentials {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let host = match request.get_ref().host.as_str() {
            "registry-1.docker.io" | "index.docker.io" => "docker.io",
            host => host,
        };
        // An empty answer means: go on without.
        let Some(login) = self.0.login(host).await else {
            return Ok(Response::new(CredentialsResponse::default()));
        };
        let secret = str::from_utf8(login.password.expose())
            .map_err(|_| Status::invalid_argument(format!("the password for {host} is not UTF-8")))?;
        Ok(Response::new(CredentialsResponse { username: login.username, secret: secret.to_owned() }))
    }

    // The daemon offers to let this side fetch the registry's tokens, and fetches them itself with what
    // `credentials` says when that is unimplemented.

    async fn fetch_token(
        &self,
        _: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("only `Credentials` is answered"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("only `Credentials` is answered"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("only `Credentials` is answered"))
    }
}
