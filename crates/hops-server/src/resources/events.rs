//! Events of a deploy.

use axum::{extract::State, http::HeaderMap, response::IntoResponse};
use futures::StreamExt;
use hops_model::{DeployId, Event};
use serde::Deserialize;

use crate::{
    extract::{Parameters, Segments},
    failure::Failure,
    resources::Problems,
    serve::Shared,
    stream::{message, messages},
};

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Position {
    /// The sequence number after which to begin; the header `Last-Event-ID` beats it.
    #[serde(default)]
    after: u64,
}

/// The events of a deploy, as they come; ends after the outcome.
///
/// A message's `id` is its sequence number, its `data` an `Event`.
#[utoipa::path(
    get, path = "/v1/deploys/{deploy}/events", operation_id = "follow_events", tag = "deploys",
    params(
        ("deploy" = DeployId, Path),
        Position,
        ("Last-Event-ID" = Option<u64>, Header, description = "The last message that came"),
    ),
    responses((status = 200, description = "Events as server-sent events", body = Event, content_type = "text/event-stream"), Problems)
)]
pub(crate) async fn follow(
    State(shared): State<Shared>,
    Segments(deploy): Segments<DeployId>,
    Parameters(position): Parameters<Position>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    shared.control.find_deploy(deploy).await?;
    let last = headers.get("Last-Event-ID").and_then(|value| value.to_str().ok()?.parse().ok());
    let events = shared.control.events(deploy, last.unwrap_or(position.after));
    Ok(messages(
        shared.stop,
        events.map(|event| {
            let (sequence, event) = event?;
            message(&event).map(|message| message.id(sequence.to_string()))
        }),
    ))
}
