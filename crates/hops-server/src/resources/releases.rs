//! Releases.

use axum::{Json, extract::State, http::StatusCode};
use hops_api::{ReleaseSummary, RollbackRequest};
use hops_control::ReleaseRow;
use hops_model::{AppName, Deploy, Environment};
use serde::Deserialize;

use crate::{
    extract::{Body, Parameters, Segments, TargetPath},
    failure::Failure,
    resources::Problems,
    serve::Shared,
};

/// How many to list at most: each carries its outcome.
const LIMIT: u32 = 500;

/// How many to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Length {
    /// At most so many, never more than 500.
    #[serde(default = "twenty")]
    #[param(default = 20)]
    limit: u32,
}

fn twenty() -> u32 {
    20
}

/// The last releases of an app in an environment, newest first.
#[utoipa::path(
    get, path = "/v1/apps/{app}/{environment}/releases", operation_id = "list_releases", tag = "environments",
    params(("app" = AppName, Path), ("environment" = Environment, Path), Length),
    responses((status = 200, description = "The releases", body = [ReleaseSummary]), Problems)
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    Segments(target): Segments<TargetPath>,
    Parameters(length): Parameters<Length>,
) -> Result<Json<Vec<ReleaseSummary>>, Failure> {
    let releases = shared.control.releases(&target.into(), length.limit.min(LIMIT)).await?;
    Ok(Json(releases.into_iter().map(summary).collect()))
}

/// Queues putting a former release into effect again.
#[utoipa::path(
    post, path = "/v1/apps/{app}/{environment}/rollback", operation_id = "roll_back", tag = "environments",
    params(("app" = AppName, Path), ("environment" = Environment, Path)),
    request_body = RollbackRequest, responses((status = 202, description = "It is queued", body = Deploy), Problems)
)]
pub(crate) async fn rollback(
    State(shared): State<Shared>,
    Segments(target): Segments<TargetPath>,
    Body(request): Body<RollbackRequest>,
) -> Result<(StatusCode, Json<Deploy>), Failure> {
    let deploy = shared.control.rollback(&target.into(), request.to).await?;
    Ok((StatusCode::ACCEPTED, Json(deploy)))
}

pub(super) fn summary(row: ReleaseRow) -> ReleaseSummary {
    let ReleaseRow { number, commit, subject, origin, deploy, outcome, created_at, finished_at } = row;
    ReleaseSummary { number, commit, subject, origin, deploy, outcome, created_at, finished_at }
}
