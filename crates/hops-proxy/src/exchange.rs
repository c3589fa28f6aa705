//! One request: passed by the gate, sent to a backend, answered.
//!
//! A request is sent again, to this or another backend, only while it cannot have had an effect: no connection came
//! about; or a kept connection turned out to be closed before any byte of an answer, and the request was not written
//! or may be repeated by its method's definition (RFC 9110 9.2.2) with nothing of its body taken from the client.

use std::{convert::Infallible, future::poll_fn, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{self, HeaderValue},
    http::request::Parts,
};

use crate::{
    answer::{Answer, Flow},
    backend::{Download, Fault, Framing, Head, Link, Patience, Upload, write_head},
    client::{Client, OpenRequest},
    fields,
    gate::{self, Gate},
    grpc,
    member::Member,
    pages::{Page, accepts_html},
    record::Record,
    tried::Tried,
    tunnel::Tunnel,
    upstream::Upstream,
    worker::Worker,
};

/// How long a backend that refused a connection is passed over.
pub(crate) const SHUNNED: Duration = Duration::from_secs(1);

/// What is left of a request while it is served.
pub(crate) struct Exchange {
    pub(crate) worker: Rc<Worker>,
    pub(crate) client: Rc<Client>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) parts: Parts,
    pub(crate) record: Record,
    pub(crate) open: OpenRequest,
    upgrade: Option<HeaderValue>,
    id: HeaderValue,
}

/// Serves one request. There is always an answer, if only a page.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    client: Rc<Client>,
    open: OpenRequest,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let mut record = Record::new(&request, client.address, &worker.strays);
    let (upstream, host) = match gate::decide(&worker, &client, &mut request, &mut record) {
        Gate::Pass(upstream, host) => (upstream, host),
        Gate::Answer(response) => return Ok(whole(response, record, open)),
        Gate::Refuse(page) => {
            let response = page.response(accepts_html(request.headers()), None);
            return Ok(whole(response, record, open));
        }
    };
    let is_grpc = grpc::is_grpc(&request);
    let (mut parts, body) = request.into_parts();
    let framing = framing(&parts.headers, &body);
    let mut asked = fields::request(&mut parts.headers, parts.version);
    let id = fields::tell(&mut parts.headers, &client, &host);
    record.upstream(&upstream, &id);
    if framing != Framing::None {
        asked.upgrade = None;
    }
    if let Some(upgrade) = &asked.upgrade {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, upgrade.clone());
    }
    let exchange = Exchange { worker, client, upstream, parts, record, open, upgrade: asked.upgrade, id };
    if asked.expects_unknown {
        return Ok(exchange.page(Page::Expectation));
    }
    Ok(if is_grpc { exchange.run_http2(body).await } else { exchange.run(body, framing).await })
}

fn framing(headers: &HeaderMap, body: &Incoming) -> Framing {
    match body.size_hint().exact() {
        Some(length) if length > 0 || headers.contains_key(header::CONTENT_LENGTH) => Framing::Length(length),
        Some(_) => Framing::None,
        None if body.is_end_stream() => Framing::None,
        None => Framing::Chunked,
    }
}

fn whole(response: Response<Bytes>, mut record: Record, open: OpenRequest) -> Response<Answer> {
    record.status(response.status().as_u16());
    response.map(|bytes| Answer::whole(bytes, record, open))
}

impl Exchange {
    async fn run(mut self, body: Incoming, framing: Framing) -> Response<Answer> {
        let timeouts = &Arc::clone(&self.worker.settings).timeouts;
        let mut upload = Upload::new(body, framing);
        let mut tried = Tried::default();
        let mut is_repeated = false;
        loop {
            let Some(member) = self.choose(tried.members()) else {
                if tried.again() {
                    continue;
                }
                return self.nobody(tried.members().is_empty());
            };
            let kept =
                if is_repeated { None } else { self.worker.pool.take(member.id, self.worker.clock.now_ms()) };
            let mut link = match kept {
                Some(link) => link,
                None => match Link::connect(&member, &self.worker.clock, timeouts.connect).await {
                    Ok(link) => link,
                    Err(fault) => {
                        self.refused(&member, &fault);
                        tried.push(&member, &fault);
                        continue;
                    }
                },
            };
            let parts = &self.parts;
            link.begin(|outbox| write_head(outbox, &parts.method, &parts.uri, &parts.headers, framing));
            let patience = Patience::new(&link, &upload, &self.worker.settings);
            let head = poll_fn(|cx| link.poll_head(cx, &mut upload, &self.parts.method, &patience)).await;
            match head {
                Ok(head) => return self.answer(head, link, upload),
                Err(fault) if may_repeat(&self.parts.method, &link, &upload, &fault) => {
                    self.worker.pool.forget(member.id);
                    upload.again();
                    is_repeated = true;
                }
                Err(fault) => {
                    self.record.received = upload.sent;
                    return self.fault(&fault);
                }
            }
        }
    }

    /// Chooses a member that has not been tried and counts the request in.
    pub(crate) fn choose(&mut self, tried: &[u64]) -> Option<Arc<Member>> {
        let in_flight = self.upstream.choose(tried, self.worker.clock.now_ms())?;
        Some(Arc::clone(self.record.enter(in_flight)))
    }

    /// A member could not be connected to: others are preferred for a moment.
    pub(crate) fn refused(&self, member: &Member, fault: &Fault) {
        member.shun(self.worker.clock.now_ms(), SHUNNED);
        tracing::debug!(
            upstream = self.upstream.name(),
            backend = %member.backend.address,
            error = fault as &dyn std::error::Error,
            "backend refused"
        );
    }

    /// Nobody to send it to: nobody is ready, or everybody refused.
    pub(crate) fn nobody(mut self, is_empty: bool) -> Response<Answer> {
        self.record.leave();
        if is_empty {
            return self.page(Page::NotReady);
        }
        self.record.fault("connect");
        self.page(Page::Failed)
    }

    pub(crate) fn fault(mut self, fault: &Fault) -> Response<Answer> {
        tracing::debug!(
            upstream = self.upstream.name(),
            error = fault as &dyn std::error::Error,
            "no answer from a backend"
        );
        self.record.fault(fault.label());
        self.record.leave();
        self.page(fault.page())
    }

    fn page(self, page: Page) -> Response<Answer> {
        let response = page.response(accepts_html(&self.parts.headers), Some(&self.id));
        whole(response, self.record, self.open)
    }

    fn answer(mut self, mut head: Head, mut link: Box<Link>, upload: Upload) -> Response<Answer> {
        link.member.forgive();
        self.record.received = upload.sent;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(head, link);
        }
        fields::response(&mut head.headers);
        self.record.status(head.status.as_u16());
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;

        let mut download = Download::new(head.framing);
        let bytes = if upload.is_whole() { download.at_once(&mut link) } else { None };
        let worker = Rc::clone(&self.worker);
        let mut flow = Flow { link: Some(link), upload, download, keeps_open: head.keeps_open, worker };
        let answer = match bytes {
            Some(bytes) => {
                flow.finish();
                self.record.leave();
                Answer::whole(bytes, self.record, self.open)
            }
            None => Answer::flow(flow, self.record, self.open),
        };
        response.map(|()| answer)
    }

    /// The backend speaks another protocol from now on: so does the client's connection, as soon as hyper lets go.
    fn switch(mut self, head: Head, link: Box<Link>) -> Response<Answer> {
        let Some(protocol) = self.upgrade.take() else {
            return self.fault(&Fault::Malformed("switches protocols without being asked"));
        };
        self.record.status(head.status.as_u16());
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        let is_websocket = protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
        *self.client.tunnel.borrow_mut() = Some(Tunnel::new(link, self.record, is_websocket));
        response.map(|_| Answer::nothing(self.open))
    }
}

/// Only kept connections qualify, so it happens once: the repetition takes a new one.
fn may_repeat(method: &Method, link: &Link, upload: &Upload, fault: &Fault) -> bool {
    link.is_used
        && !link.has_read
        && !upload.is_touched
        && (!link.has_written || method.is_idempotent())
        && matches!(fault, Fault::Closed | Fault::Broken(_))
}
