//! What becomes of a request before any backend hears of it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{
    Method, Request, Response, Uri,
    header::{self, HeaderValue},
};

use crate::{
    client::Client,
    fields::says_https,
    host,
    pages::{Page, moved},
    record::Record,
    routes::{Https, Table},
    upstream::Upstream,
    worker::Worker,
};

/// What becomes of a request.
pub(crate) enum Gate {
    /// It goes to this upstream, for this host.
    Pass(Arc<Upstream>, HeaderValue),
    /// It is answered here.
    Answer(Response<Bytes>),
    /// It is refused.
    Refuse(Page),
}

/// HTTP-01 first, on every host and before any redirect; then the route; then the redirect to HTTPS.
pub(crate) fn decide<B>(
    worker: &Worker,
    client: &Client,
    request: &mut Request<B>,
    record: &mut Record,
) -> Gate {
    if let Some(answer) = challenge(worker, request.uri()) {
        return Gate::Answer(answer);
    }
    if *request.method() == Method::CONNECT {
        return Gate::Refuse(Page::NoTunnel);
    }
    if !matches!(request.uri().scheme_str(), None | Some("http" | "https")) {
        return Gate::Refuse(Page::BadRequest);
    }
    let Ok(value) = host::settle(request) else { return Gate::Refuse(Page::BadRequest) };
    let Ok(name) = host::name(&value) else { return Gate::Refuse(Page::BadRequest) };
    record.host(&name);

    let is_https = client.is_tls || (client.is_trusted && says_https(request.headers()));
    let came = Came { is_https, port: host::port(&value), target: request.uri() };
    let table = worker.routes.table().load();
    let Some(route) = table.get(&name) else { return sibling(worker, &came, &name, &table) };
    if !is_https && wants_https(worker, route.https, &name) {
        return came.redirect(worker, true, &name);
    }
    Gate::Pass(Arc::clone(&route.upstream), value.clone())
}

/// How a request came: what matters for where it can be sent.
struct Came<'r> {
    is_https: bool,
    /// The port that the client knows, where it knows one.
    port: Option<&'r str>,
    target: &'r Uri,
}

fn wants_https(worker: &Worker, https: Https, name: &str) -> bool {
    match https {
        Https::Never => false,
        Https::WhenCertified => worker.https_port.is_some() && worker.certificates.has_normal(name),
        Https::Always => worker.https_port.is_some(),
    }
}

/// A host without a route whose sibling (`www.` before it or off it) has one is sent there.
fn sibling(worker: &Worker, came: &Came<'_>, name: &str, table: &Table) -> Gate {
    let sibling = host::sibling(name);
    let Some(route) = table.get(&sibling) else { return Gate::Refuse(Page::UnknownHost) };
    came.redirect(worker, came.is_https || wants_https(worker, route.https, &sibling), &sibling)
}

impl Came<'_> {
    fn redirect(&self, worker: &Worker, to_https: bool, name: &str) -> Gate {
        let port = if to_https == self.is_https {
            self.port.map(str::to_owned)
        } else if self.port.is_none() && worker.http_port != Some(80) {
            // It came to port 80, and we listen elsewhere: whoever leads that port to us leads 443, too.
            None
        } else {
            worker.https_port.filter(|port| *port != 443).map(|port| port.to_string())
        };
        let scheme = if to_https { "https" } else { "http" };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let target = self.target.path_and_query().map_or("/", |target| target.as_str());
        let slash = if target.starts_with('/') { "" } else { "/" };
        let location = format!("{scheme}://{name}{port}{slash}{target}");
        moved(&location).map_or(Gate::Refuse(Page::BadRequest), Gate::Answer)
    }
}

fn challenge(worker: &Worker, uri: &Uri) -> Option<Response<Bytes>> {
    let token = uri.path().strip_prefix("/.well-known/acme-challenge/")?;
    let mut response = Response::new(Bytes::from(worker.challenges.http01().get(token)?));
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Some(response)
}
