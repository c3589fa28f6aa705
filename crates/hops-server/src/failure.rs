//! Failures as problem details.

use std::error::Error;

use axum::{
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hops_api::Problem;
use hops_control::{ControlError, Fault};
use hops_model::{Cause, CauseCode};

/// A request that was not carried out.
///
/// As a response it carries its [`Problem`] as an extension; the body is written in [`crate::observe`], which knows
/// the request's number.
#[derive(Debug)]
pub(crate) struct Failure(Box<Problem>);

impl Failure {
    pub(crate) fn new(status: StatusCode, cause: Cause) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        let problem = Problem::new(status.as_u16(), title, cause.message.clone());
        Self(Box::new(problem.with_cause(cause)))
    }

    /// The client's fault, before it comes to anything.
    pub(crate) fn request(status: StatusCode, message: impl Into<String>) -> Self {
        let help = "the API is described at `/v1/openapi.json`";
        Self::new(status, Cause::new(CauseCode::Refused, message, help))
    }

    /// A fault of HOPS. What it is stands in the log only.
    pub(crate) fn internal() -> Self {
        let help = "try again; if it stays, the server's log has more";
        let cause = Cause::new(CauseCode::Internal, "HOPS failed to carry out the request", help);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, cause)
    }

    pub(crate) fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let status = match error.fault() {
            Fault::NotFound => StatusCode::NOT_FOUND,
            Fault::User => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::Conflict => StatusCode::CONFLICT,
            Fault::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(error = &error as &(dyn Error + 'static), "the request failed");
        }
        Self::new(status, Cause::from(&error))
    }
}

impl From<PathRejection> for Failure {
    fn from(rejection: PathRejection) -> Self {
        Self::request(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::request(rejection.status(), rejection.body_text())
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        Self::request(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(*self.0);
        response
    }
}
