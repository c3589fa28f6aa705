//! One request's line in the access log and its share of the metrics, written when it is over.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{Request, Version, header::HeaderValue};

use crate::{
    clock::millis,
    counters::Counters,
    member::{InFlight, Member},
    upstream::Upstream,
};

/// The account of one request. Whoever drops it says that the request is over.
#[derive(Debug)]
pub(crate) struct Record {
    started: Instant,
    counters: Arc<Counters>,
    /// What the log would say; only while somebody listens.
    line: Option<Box<Line>>,
    in_flight: Option<InFlight>,
    status: u16,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Why it did not end well.
    fault: Option<&'static str>,
}

#[derive(Debug)]
struct Line {
    id: String,
    client: IpAddr,
    host: String,
    method: String,
    /// Without the query: queries hold secrets.
    path: String,
    version: Version,
    upstream: String,
    release: String,
    backend: Option<SocketAddr>,
    /// From the start to the answer's head.
    head_ms: Option<u64>,
}

impl Record {
    /// Opens the account of a request that has just come.
    pub(crate) fn new<B>(request: &Request<B>, client: IpAddr, strays: &Arc<Counters>) -> Self {
        let line = tracing::enabled!(target: "hops::access", tracing::Level::INFO).then(|| {
            Box::new(Line {
                id: String::new(),
                client,
                host: String::new(),
                method: request.method().to_string(),
                path: request.uri().path().to_owned(),
                version: request.version(),
                upstream: String::new(),
                release: String::new(),
                backend: None,
                head_ms: None,
            })
        });
        Self {
            started: Instant::now(),
            counters: Arc::clone(strays),
            line,
            in_flight: None,
            status: 0,
            received: 0,
            sent: 0,
            fault: None,
        }
    }

    /// A request that was none: hyper has answered it.
    pub(crate) fn malformed(client: IpAddr, strays: &Counters) {
        strays.count(400, 0, 0, Duration::ZERO);
        tracing::info!(target: "hops::access", %client, status = 400, fault = "malformed", "request");
    }

    pub(crate) fn host(&mut self, host: &str) {
        if let Some(line) = &mut self.line {
            host.clone_into(&mut line.host);
        }
    }

    /// From now on the request counts as this upstream's.
    pub(crate) fn upstream(&mut self, upstream: &Upstream, id: &HeaderValue) {
        self.counters = Arc::clone(upstream.counters());
        if let Some(line) = &mut self.line {
            upstream.name().clone_into(&mut line.upstream);
            line.id = String::from_utf8_lossy(id.as_bytes()).into_owned();
        }
    }

    /// From now on the request is in flight to this member, and counts as its release's.
    pub(crate) fn enter(&mut self, in_flight: InFlight) -> &Arc<Member> {
        let member = in_flight.member();
        self.counters = Arc::clone(&member.counters);
        if let Some(line) = &mut self.line {
            line.release.clone_from(&member.backend.release);
            line.backend = Some(member.backend.address);
        }
        self.in_flight.insert(in_flight).member()
    }

    /// The backend is done with the request, whether or not the client has all of the answer.
    pub(crate) fn leave(&mut self) -> Option<InFlight> {
        self.in_flight.take()
    }

    pub(crate) fn status(&mut self, status: u16) {
        self.status = status;
        if let Some(line) = &mut self.line {
            line.head_ms = Some(millis(self.started.elapsed()));
        }
    }

    pub(crate) fn fault(&mut self, fault: &'static str) {
        self.fault = Some(fault);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        self.counters.count(self.status, self.received, self.sent, duration);
        let Some(line) = self.line.take() else { return };
        // Status 0: the client was gone before there was one.
        tracing::info!(
            target: "hops::access",
            request_id = line.id,
            client = %line.client,
            host = line.host,
            method = line.method,
            path = line.path,
            version = ?line.version,
            status = self.status,
            upstream = line.upstream,
            release = line.release,
            backend = line.backend.map(tracing::field::display),
            received_bytes = self.received,
            sent_bytes = self.sent,
            head_ms = line.head_ms,
            duration_ms = millis(duration),
            fault = self.fault,
            "request"
        );
    }
}
