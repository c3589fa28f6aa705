//! Log lines.

use axum::{
    extract::State,
    response::{IntoResponse, sse},
};
use futures::{StreamExt, stream};
use hops_api::{END_EVENT, LogParameters};
use hops_control::ControlError;
use hops_control::LogLine;
use hops_model::{AppName, Environment};

use crate::{
    extract::{Parameters, Segments, TargetPath},
    failure::Failure,
    resources::Problems,
    serve::Shared,
    stream::{message, messages},
};

/// Log lines of an app in an environment, as they come.
///
/// A message's `data` is a `LogLine`. When all was sent, a message of kind `end` follows.
#[utoipa::path(
    get, path = "/v1/apps/{app}/{environment}/logs", operation_id = "follow_logs", tag = "environments",
    params(("app" = AppName, Path), ("environment" = Environment, Path), LogParameters),
    responses((status = 200, description = "Lines as server-sent events", body = LogLine, content_type = "text/event-stream"), Problems)
)]
pub(crate) async fn follow(
    State(shared): State<Shared>,
    Segments(target): Segments<TargetPath>,
    Parameters(parameters): Parameters<LogParameters>,
) -> Result<impl IntoResponse, Failure> {
    let lines = shared.control.logs(parameters.of(target.into())).await?;
    let lines = lines.map(|line| message(&line.map_err(ControlError::from)?));
    let end = sse::Event::default().event(END_EVENT).data("{}");
    Ok(messages(shared.stop, lines.chain(stream::iter([Ok(end)]))))
}
