//! Pushes, in Git's own protocol over HTTP (`gitprotocol-http(5)`).

use std::{error::Error, io, time::Duration};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use hops_control::{ADVERTISEMENT_TYPE, GitError, REQUEST_TYPE, RESULT_TYPE};
use hops_model::AppName;
use serde::Deserialize;
use tokio::{io::duplex, time::timeout};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::{
    extract::{Parameters, Segments},
    failure::Failure,
    serve::Shared,
};

/// How long a push may send nothing before it counts as broken off.
const SILENCE: Duration = Duration::from_mins(1);
/// As much of an answer as may wait for a slow client.
const BUFFER: usize = 64 * 1024;

/// What Git wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    #[serde(default)]
    service: String,
}

/// Tells Git what the copy of a repository has.
pub(crate) async fn advertise(
    State(shared): State<Shared>,
    Segments(app): Segments<AppName>,
    Parameters(Service { service }): Parameters<Service>,
) -> Result<Response, Failure> {
    if service != "git-receive-pack" {
        return Err(Failure::request(
            StatusCode::FORBIDDEN,
            "this server takes pushes only; nothing can be fetched",
        ));
    }
    let body = shared.control.repository(&app).await?.advertise().await.map_err(failed)?;
    let headers = [(header::CONTENT_TYPE, ADVERTISEMENT_TYPE), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, body).into_response())
}

/// Takes a push.
pub(crate) async fn receive(
    State(shared): State<Shared>,
    Segments(app): Segments<AppName>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    check(&headers)?;
    let repository = shared.control.repository(&app).await?;
    let input = StreamReader::new(Box::pin(unless_silent(body.into_data_stream())));
    let (output, answer) = duplex(BUFFER);
    let limit = shared.settings.max_push_bytes;
    // A task of its own, since the push goes on while its answer is being sent.
    let push = tokio::spawn(async move {
        let received = repository.receive(input, output, limit).await;
        // The answer is out; whoever pushed waits no longer.
        if received.is_ok()
            && let Err(error) = repository.tidy_if_due().await
        {
            tracing::warn!(error = &error as &(dyn Error + 'static), "cannot tidy a copy");
        }
        received
    });
    let mut answer = ReaderStream::new(answer);
    // Until the first word of the answer, a failure can still be said by the status.
    let first: Option<Bytes> = answer.try_next().await.ok().flatten();
    if first.is_none()
        && let Ok(Err(error)) = push.await
    {
        return Err(failed(error));
    }
    let body = Body::from_stream(stream::iter(first.map(Ok)).chain(answer));
    Ok(([(header::CONTENT_TYPE, RESULT_TYPE), (header::CACHE_CONTROL, "no-cache")], body).into_response())
}

/// A body that fails when it pauses too long. Time in which nobody asks it for more does not count.
fn unless_silent(body: BodyDataStream) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(body, |mut body| async {
        let chunk = match timeout(SILENCE, body.next()).await {
            Ok(chunk) => chunk?.map_err(io::Error::other),
            Err(elapsed) => Err(elapsed.into()),
        };
        Some((chunk, body))
    })
}

fn check(headers: &HeaderMap) -> Result<(), Failure> {
    let unsupported = |message| Err(Failure::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != REQUEST_TYPE) {
        return unsupported(format!("a push has the content type `{REQUEST_TYPE}`"));
    }
    // Git compresses the requests of fetches, never those of pushes.
    if headers.contains_key(header::CONTENT_ENCODING) {
        return unsupported("a push is not encoded any further".to_owned());
    }
    Ok(())
}

fn failed(error: GitError) -> Failure {
    if let GitError::Rejected { reason } = error {
        return Failure::request(StatusCode::BAD_REQUEST, reason);
    }
    tracing::error!(error = &error as &(dyn Error + 'static), "a push failed");
    Failure::internal()
}
