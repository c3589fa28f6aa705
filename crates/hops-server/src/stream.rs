//! Event streams: kept alive, and ended at shutdown, whereupon clients come back.

use std::{convert::Infallible, time::Duration};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use hops_api::PROBLEM_EVENT;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Clients give a connection up after three times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream of messages that ends with the first failure, or when the server is told to stop.
pub(crate) fn messages(
    stop: CancellationToken,
    messages: impl Stream<Item = Result<Event, Failure>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send> {
    let until_failure = messages.scan(false, |failed, message| {
        let over = *failed;
        *failed = message.is_err();
        std::future::ready((!over).then_some(message))
    });
    let sent = until_failure.map(|message| Ok(message.unwrap_or_else(problem)));
    Sse::new(sent.take_until(stop.cancelled_owned())).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// A message with a value as JSON.
pub(crate) fn message(value: &impl Serialize) -> Result<Event, Failure> {
    Event::default().json_data(value).map_err(|error| {
        tracing::error!(%error, "a message could not be written");
        Failure::internal()
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn problem(failure: Failure) -> Event {
    message(failure.problem()).unwrap_or_default().event(PROBLEM_EVENT)
}
