//! Streams that outlive their connections.

use std::{io, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    stream::{BoxStream, unfold},
};
use reqwest::{RequestBuilder, header};
use tokio::time::{sleep, timeout};

use crate::{
    Client, ClientError, PROBLEM_EVENT,
    sse::{Decoder, Message},
    subscription::{Subscription, Taken},
};

/// How long nothing may come before a connection counts as lost. The server sends a comment every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// An open stream of messages.
pub(crate) struct Connection {
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    decoder: Decoder,
}

impl Connection {
    pub(crate) async fn open(client: &Client, request: RequestBuilder) -> Result<Self, ClientError> {
        let request = request.header(header::ACCEPT, "text/event-stream");
        let response = timeout(SILENCE, client.send(request)).await.map_err(|_| silent(client))??;
        Ok(Self { body: response.bytes_stream().boxed(), decoder: Decoder::default() })
    }

    /// The next message. The end is an error: who knows when the stream is over does not ask further.
    async fn next(&mut self, client: &Client) -> Result<Message, ClientError> {
        loop {
            if let Some(message) = self.decoder.next().map_err(|error| client.unreadable(error))? {
                return Ok(message);
            }
            let Some(bytes) = timeout(SILENCE, self.body.next()).await.map_err(|_| silent(client))? else {
                return Err(lost(client, io::Error::from(io::ErrorKind::UnexpectedEof)));
            };
            let bytes = bytes.map_err(|error| client.unreachable(error))?;
            self.decoder.push(&bytes).map_err(|error| client.unreadable(error))?;
        }
    }
}

/// A stream of what is subscribed to, connected again and again until it is over or the client's patience is.
pub(crate) fn resume<S: Subscription>(
    client: Client,
    what: S,
    connection: Option<Connection>,
) -> impl Stream<Item = Result<S::Item, ClientError>> + Send + use<S> {
    let backoff = backoff(&client);
    let resumed = Resumed { client, what, connection, backoff };
    unfold(Some(resumed), |state| async {
        let mut resumed = state?;
        match resumed.next().await {
            Ok(Taken::Item(item)) => Some((Ok(item), Some(resumed))),
            Ok(Taken::Last(item)) => Some((Ok(item), None)),
            Ok(Taken::Known | Taken::End) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Resumed<S> {
    client: Client,
    what: S,
    connection: Option<Connection>,
    backoff: ExponentialBackoff,
}

impl<S: Subscription> Resumed<S> {
    async fn next(&mut self) -> Result<Taken<S::Item>, ClientError> {
        loop {
            match self.message().await {
                Ok(message) if message.event == PROBLEM_EVENT => {
                    let problem = serde_json::from_str(&message.data);
                    return Err(problem.map_or_else(
                        |error| self.client.unreadable(error),
                        |problem| ClientError::Problem(Box::new(problem)),
                    ));
                }
                Ok(message) => {
                    match self.what.take(&message).map_err(|error| self.client.unreadable(error))? {
                        Taken::Known => {}
                        taken => return Ok(taken),
                    }
                }
                Err(error) if error.is_transient() => {
                    self.connection = None;
                    let Some(delay) = self.backoff.next() else { return Err(error) };
                    sleep(delay).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn message(&mut self) -> Result<Message, ClientError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let request = self.what.request(&self.client);
                none.insert(Connection::open(&self.client, request).await?)
            }
        };
        let message = connection.next(&self.client).await?;
        self.backoff = backoff(&self.client);
        Ok(message)
    }
}

fn backoff(client: &Client) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(client.patience()))
        .build()
}

fn silent(client: &Client) -> ClientError {
    let words = format!("nothing came for {} s", SILENCE.as_secs());
    lost(client, io::Error::new(io::ErrorKind::TimedOut, words))
}

fn lost(client: &Client, source: io::Error) -> ClientError {
    ClientError::Unreachable { server: client.server(), source: Box::new(source) }
}
