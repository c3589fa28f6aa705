//! gRPC: HTTP/2 from end to end, for its trailers.

use std::sync::Arc;

use hyper::{Request, Response, Uri, Version, body::Incoming, header, http::uri::Scheme};

use crate::{answer::Answer, backend::Fault, exchange::Exchange, fields, tried::Tried};

/// Whether a request is gRPC's: those are the ones whose backends speak HTTP/2 without being asked.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    request.version() == Version::HTTP_2
        && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

impl Exchange {
    pub(crate) async fn run_http2(mut self, body: Incoming) -> Response<Answer> {
        let timeouts = &Arc::clone(&self.worker.settings).timeouts;
        let mut parts = self.parts.clone();
        parts.uri = absolute(&parts.uri, parts.headers.get(header::HOST));
        parts.headers.remove(header::HOST);
        let mut request = Request::from_parts(parts, body);
        let mut tried = Tried::default();
        loop {
            let Some(member) = self.choose(tried.members()) else {
                if tried.again() {
                    continue;
                }
                return self.nobody(tried.members().is_empty());
            };
            let connected = self.worker.http2.get(&member, &self.worker.clock, timeouts.connect).await;
            let mut sender = match connected {
                Ok(sender) => sender,
                Err(fault) => {
                    self.refused(&member, &fault);
                    tried.push(&member, &fault);
                    continue;
                }
            };
            let deadline = self.worker.clock.deadline();
            // Not the time for an answer's head: a stream's server may send its first fields with its last word.
            deadline.set(timeouts.quiet);
            let response = match deadline.limit(sender.try_send_request(request)).await {
                None => return self.fault(&Fault::Timeout),
                Some(Ok(response)) => response,
                Some(Err(mut error)) => match error.take_message() {
                    // It was not sent.
                    Some(unsent) => {
                        request = unsent;
                        tried.push(&member, &Fault::Http2(error.into_error()));
                        continue;
                    }
                    None => return self.fault(&Fault::Http2(error.into_error())),
                },
            };
            member.forgive();
            let (mut head, incoming) = response.into_parts();
            fields::response(&mut head.headers);
            self.record.status(head.status.as_u16());
            return Response::from_parts(head, Answer::http2(incoming, self.record, self.open));
        }
    }
}

/// HTTP/2 wants scheme and authority in the target.
fn absolute(uri: &Uri, host: Option<&header::HeaderValue>) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    if let Some(authority) = host.and_then(|host| host.to_str().ok()?.parse().ok()) {
        parts.authority = Some(authority);
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
