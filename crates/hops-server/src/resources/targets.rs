//! An app in an environment.

use axum::{Json, extract::State, http::StatusCode};
use hops_api::TargetStatus;
use hops_control::Status;
use hops_model::{AppName, Environment};

use crate::{
    extract::{Segments, TargetPath},
    failure::Failure,
    resources::{Problems, releases},
    serve::Shared,
};

/// What runs of an app in an environment.
#[utoipa::path(
    get, path = "/v1/apps/{app}/{environment}/status", operation_id = "find_status", tag = "environments",
    params(("app" = AppName, Path), ("environment" = Environment, Path)),
    responses((status = 200, description = "What runs", body = TargetStatus), Problems)
)]
pub(crate) async fn status(
    State(shared): State<Shared>,
    Segments(target): Segments<TargetPath>,
) -> Result<Json<TargetStatus>, Failure> {
    let Status { target, release, under_way, applings } = shared.control.status(&target.into()).await?;
    Ok(Json(TargetStatus { target, release: release.map(releases::summary), under_way, applings }))
}

/// Removes all that runs of an app in an environment, and its releases.
#[utoipa::path(
    delete, path = "/v1/apps/{app}/{environment}", operation_id = "remove_environment", tag = "environments",
    params(("app" = AppName, Path), ("environment" = Environment, Path)),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(crate) async fn remove(
    State(shared): State<Shared>,
    Segments(target): Segments<TargetPath>,
) -> Result<StatusCode, Failure> {
    shared.control.remove(&target.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}
