//! Parts of requests, refused with a [`Failure`] where they are wrong.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query},
};
use hops_model::{AppName, Environment, Target};
use serde::Deserialize;

use crate::failure::Failure;

/// Segments of the path.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(Failure))]
pub(crate) struct Segments<T>(pub(crate) T);

/// Parameters of the query.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(Failure))]
pub(crate) struct Parameters<T>(pub(crate) T);

/// The body, as JSON.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Failure))]
pub(crate) struct Body<T>(pub(crate) T);

/// The segments `{app}/{environment}`.
#[derive(Deserialize)]
pub(crate) struct TargetPath {
    app: AppName,
    environment: Environment,
}

impl From<TargetPath> for Target {
    fn from(path: TargetPath) -> Self {
        Self::new(path.app, path.environment)
    }
}
