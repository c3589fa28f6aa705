//! The server itself.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hops_api::Version;
use utoipa::openapi::OpenApi;

use crate::{failure::Failure, resources::Problems, router::openapi, serve::Shared};

/// Whether the server takes requests.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Measured values. For those who have the token: they name apps and tell how much each is used.
pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    match &shared.settings.metrics {
        Some(metrics) => ([(header::CONTENT_TYPE, TEXT)], metrics.write()).into_response(),
        None => Failure::request(StatusCode::NOT_FOUND, "this server measures nothing").into_response(),
    }
}

/// The server's version.
#[utoipa::path(get, path = "/v1/version", operation_id = "find_version", tag = "server", responses((status = 200, description = "The version", body = Version), Problems))]
pub(crate) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", operation_id = "describe", tag = "server", security(()), responses((status = 200, description = "The description", body = Object)))]
pub(crate) async fn description() -> Json<OpenApi> {
    Json(openapi())
}
