//! The server itself.

use axum::Json;
use hops_api::Version;
use utoipa::openapi::OpenApi;

use crate::{resources::Problems, router::openapi};

/// Whether the server takes requests.
pub(crate) async fn health() -> &'static str {
    "ok\n"
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
