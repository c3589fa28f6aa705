//! What visitors read when there is no backend's answer: what it means for them, and nothing about us.

use bytes::Bytes;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderValue},
};

/// An answer of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The request is malformed.
    BadRequest,
    /// No route for the host.
    UnknownHost,
    /// A method for proxies of another kind.
    NoTunnel,
    /// An expectation other than `100-continue`.
    Expectation,
    /// The client did not send its request in time.
    ClientTimeout,
    /// There is a route, and nobody ready behind it.
    NotReady,
    /// The backend did not answer, or not in HTTP.
    Failed,
    /// The backend did not answer in time.
    Timeout,
}

impl Page {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::UnknownHost => StatusCode::NOT_FOUND,
            Self::NoTunnel => StatusCode::METHOD_NOT_ALLOWED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::BadRequest => ("Bad request", "The request could not be understood."),
            Self::UnknownHost => ("Nothing here", "There is no site under this address."),
            Self::NoTunnel => ("Not possible", "This server does not open tunnels."),
            Self::Expectation => ("Not possible", "The request expects what this server does not know."),
            Self::ClientTimeout => ("Too slow", "The request did not arrive in time."),
            Self::NotReady => {
                ("Be right back", "The site is starting or being worked on. Try again in a moment.")
            }
            Self::Failed => ("Something broke", "The site did not answer properly. Try again in a moment."),
            Self::Timeout => {
                ("No answer", "The site took too long to answer. It may be done later all the same.")
            }
        }
    }

    /// The answer, as HTML for whoever accepts it and as text for everybody else.
    pub(crate) fn response(self, accepts_html: bool, id: Option<&HeaderValue>) -> Response<Bytes> {
        let (title, text) = self.words();
        let id_text = id
            .and_then(|id| id.to_str().ok())
            .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let body = if accepts_html {
            let id = id_text.map_or_else(String::new, |id| format!("<p><small>Request {id}</small></p>"));
            format!(
                "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
                 <title>{title}</title><style>body{{font:1.1rem/1.5 system-ui;margin:20vh auto;max-width:30rem;\
                 padding:0 1rem;color:#333}}small{{color:#777}}</style><h1>{title}</h1><p>{text}</p>{id}</html>\n"
            )
        } else {
            let id = id_text.map_or_else(String::new, |id| format!("Request {id}\n"));
            format!("{title}. {text}\n{id}")
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        let kind = if accepts_html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::NotReady {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if self == Self::NoTunnel {
            headers.insert(
                header::ALLOW,
                HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            );
        }
        response
    }
}

/// Whether a client would rather read HTML.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")))
}

/// An answer that sends the client elsewhere for good, with the same method and body.
pub(crate) fn moved(location: &str) -> Option<Response<Bytes>> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(location).ok()?);
    Some(response)
}
