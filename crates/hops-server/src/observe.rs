//! What every request goes through: its number, its line in the log, and the body of its problem.

use std::{any::Any, time::Instant};

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hops_api::{PROBLEM_TYPE, Problem};
use tracing::Instrument;
use uuid::Uuid;

use crate::failure::Failure;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Numbers and logs a request. Neither query nor headers are logged, which may hold what is nobody's business.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let id = Uuid::new_v4().simple().to_string();
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(parent: &span, status = response.status().as_u16(), duration_ms, "answered");

    let mut response = with_problem(response, &id);
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What a panic is answered with. Its words are in the log, where the panic hook writes them.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure::internal().into_response()
}

fn with_problem(mut response: Response, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let problem = Problem { request_id: Some(id.to_owned()), ..problem };
    let (mut parts, _) = response.into_parts();
    let body = Json(problem).into_response().into_body();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::new(body))
}
