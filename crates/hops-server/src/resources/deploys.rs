//! Deploys, and plans of them.

use axum::{Json, extract::State, http::StatusCode};
use hops_api::DeployRequest;
use hops_control::Plan;
use hops_model::{AppName, Deploy, DeployId};

use crate::{
    extract::{Body, Segments},
    failure::Failure,
    resources::Problems,
    serve::Shared,
};

/// Queues a deploy.
///
/// The commit was pushed before. A deploy of the same app and environment that has not started is replaced.
#[utoipa::path(
    post, path = "/v1/apps/{app}/deploys", operation_id = "create_deploy", tag = "deploys", params(("app" = AppName, Path)),
    request_body = DeployRequest, responses((status = 202, description = "It is queued", body = Deploy), Problems)
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Segments(app): Segments<AppName>,
    Body(request): Body<DeployRequest>,
) -> Result<(StatusCode, Json<Deploy>), Failure> {
    let deploy = shared.control.deploy(&app, request.environment, &request.commit).await?;
    Ok((StatusCode::ACCEPTED, Json(deploy)))
}

/// What a deploy would change.
#[utoipa::path(
    post, path = "/v1/apps/{app}/plan", operation_id = "plan_deploy", tag = "deploys", params(("app" = AppName, Path)),
    request_body = DeployRequest, responses((status = 200, description = "What would change", body = Plan), Problems)
)]
pub(crate) async fn plan(
    State(shared): State<Shared>,
    Segments(app): Segments<AppName>,
    Body(request): Body<DeployRequest>,
) -> Result<Json<Plan>, Failure> {
    Ok(Json(shared.control.plan(&app, request.environment, &request.commit).await?))
}

/// A deploy, as far as it is.
#[utoipa::path(
    get, path = "/v1/deploys/{deploy}", operation_id = "find_deploy", tag = "deploys", params(("deploy" = DeployId, Path)),
    responses((status = 200, description = "The deploy", body = Deploy), Problems)
)]
pub(crate) async fn find(
    State(shared): State<Shared>,
    Segments(deploy): Segments<DeployId>,
) -> Result<Json<Deploy>, Failure> {
    Ok(Json(shared.control.find_deploy(deploy).await?))
}

/// Stops a deploy that changes nothing yet.
#[utoipa::path(
    delete, path = "/v1/deploys/{deploy}", operation_id = "cancel_deploy", tag = "deploys", params(("deploy" = DeployId, Path)),
    responses((status = 204, description = "It is stopped"), Problems)
)]
pub(crate) async fn cancel(
    State(shared): State<Shared>,
    Segments(deploy): Segments<DeployId>,
) -> Result<StatusCode, Failure> {
    shared.control.cancel(deploy).await?;
    Ok(StatusCode::NO_CONTENT)
}
