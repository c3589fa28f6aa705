//! What is known of a client's connection, and how long it may take.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::header::HeaderValue;

use crate::{
    clock::{Clock, Deadline},
    settings::Settings,
    tunnel::Tunnel,
};

/// How long a connection over HTTP/1.1 keeps its buffers when it is idle: thousands that asked once are cheap soon.
const AWAKE: Duration = Duration::from_millis(200);
/// How long a client may take to read the last that is said to it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client's connection. Shared by the socket (which tells what moves), the requests on it and the task that
/// watches its deadline.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// The address as a field's value, made once a connection.
    pub(crate) address_value: HeaderValue,
    pub(crate) is_tls: bool,
    /// Whether what it says about the client before it is believed.
    pub(crate) is_trusted: bool,
    pub(crate) is_http2: Cell<bool>,
    /// Where the connection goes once hyper has let go of it: set by the request that was upgraded.
    pub(crate) tunnel: RefCell<Option<Tunnel>>,
    settings: Arc<Settings>,
    deadline: Deadline,
    open: Cell<usize>,
    is_in_head: Cell<bool>,
    /// Whether the client does not take what is sent to it.
    is_stuck: Cell<bool>,
}

/// A request that has not been answered to its end; counted out when dropped.
#[derive(Debug)]
pub(crate) struct OpenRequest(Rc<Client>);

impl Client {
    pub(crate) fn new(
        address: IpAddr,
        is_tls: bool,
        settings: &Arc<Settings>,
        clock: &Rc<Clock>,
    ) -> Rc<Self> {
        let address = address.to_canonical();
        let value = HeaderValue::try_from(address.to_string());
        let client = Self {
            address,
            address_value: value.unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            is_tls,
            is_trusted: settings.trusted.iter().any(|network| network.contains(&address)),
            is_http2: Cell::new(false),
            tunnel: RefCell::default(),
            settings: Arc::clone(settings),
            deadline: clock.deadline(),
            open: Cell::new(0),
            is_in_head: Cell::new(true),
            is_stuck: Cell::new(false),
        };
        client.deadline.set(settings.timeouts.header);
        Rc::new(client)
    }

    /// Ready when the client took too long for whatever it was to do.
    pub(crate) fn poll_deadline(&self, cx: &Context<'_>) -> Poll<()> {
        self.deadline.poll(cx)
    }

    /// Counts a request in.
    pub(crate) fn open(self: &Rc<Self>) -> OpenRequest {
        self.open.set(self.open.get() + 1);
        self.is_in_head.set(false);
        if !self.is_stuck.get() {
            self.deadline.clear();
        }
        OpenRequest(Rc::clone(self))
    }

    /// Whether it is between two requests, and everything that was sent to it has left.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.get() == 0 && !self.is_in_head.get() && !self.is_stuck.get()
    }

    /// Runs `future` until the deadline.
    pub(crate) async fn limit<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.deadline.limit(future).await
    }

    /// It has been idle for [`AWAKE`]; it may be so for the rest of the time.
    pub(crate) fn rests(&self) {
        self.deadline.set(self.settings.timeouts.idle.saturating_sub(AWAKE));
    }

    /// It was told that it will be closed, and has a moment to hear it.
    pub(crate) fn closes_soon(&self) {
        if self.open.get() == 0 {
            self.deadline.set(FAREWELL);
        }
    }

    /// Its last answer has been sent; it has a moment to read it.
    pub(crate) fn lingers(&self) {
        self.is_in_head.set(true);
        self.deadline.set(FAREWELL);
    }

    fn idles(&self) {
        let idle = self.settings.timeouts.idle;
        self.deadline.set(if self.is_http2.get() { idle } else { idle.min(AWAKE) });
    }

    /// Told by the socket.
    pub(crate) fn has_read(&self, count: usize) {
        // The first bytes of a request's head start its time. In HTTP/2 everything mixes: there it is the time
        // without any request that is limited.
        if count > 0 && self.open.get() == 0 && !self.is_in_head.get() && !self.is_http2.get() {
            self.is_in_head.set(true);
            self.deadline.set(self.settings.timeouts.header);
        }
    }

    /// Told by the socket.
    pub(crate) fn has_written(&self, is_pending: bool) {
        if is_pending == self.is_stuck.get() {
            return;
        }
        self.is_stuck.set(is_pending);
        if is_pending {
            self.deadline.set(self.settings.timeouts.stall);
        } else if self.open.get() > 0 {
            self.deadline.clear();
        } else {
            self.idles();
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let client = &self.0;
        client.open.set(client.open.get() - 1);
        if client.open.get() == 0 && !client.is_stuck.get() {
            client.idles();
        }
    }
}
