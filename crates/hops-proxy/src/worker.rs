//! One thread of the proxy: its runtime, its listeners, its connections.

use std::{cell::Cell, net::SocketAddr, pin::pin, rc::Rc, sync::Arc, time::Duration};

use hyper::server::conn::{http1, http2};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    admission::{Admission, Permit},
    backend::{Http2Pool, LocalExecutor, Pool},
    certificates::Certificates,
    challenges::Challenges,
    clock::{Clock, TICK, precise_ms},
    connection,
    counters::Counters,
    routes::Routes,
    settings::Settings,
};

/// How long accepting pauses when the process has no file descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// Ticks between two sweeps of the pools.
const SWEEP: u32 = 5;
/// After the last time for drains: for what has just been told to close.
const CLOSING: Duration = Duration::from_secs(2);

/// What all threads share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) routes: Routes,
    pub(crate) certificates: Certificates,
    pub(crate) challenges: Challenges,
    pub(crate) admission: Arc<Admission>,
    /// Counters of requests without a route.
    pub(crate) strays: Arc<Counters>,
    pub(crate) stop: CancellationToken,
    pub(crate) http_port: Option<u16>,
    pub(crate) https_port: Option<u16>,
}

/// What the connections of one thread share.
pub(crate) struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) routes: Routes,
    pub(crate) certificates: Certificates,
    pub(crate) challenges: Challenges,
    pub(crate) strays: Arc<Counters>,
    pub(crate) stop: CancellationToken,
    /// Where clients find the listeners, for redirects.
    pub(crate) http_port: Option<u16>,
    pub(crate) https_port: Option<u16>,
    pub(crate) clock: Rc<Clock>,
    pub(crate) pool: Pool,
    pub(crate) http2: Http2Pool,
    pub(crate) http1_server: http1::Builder,
    pub(crate) http2_server: http2::Builder<LocalExecutor>,
    admission: Arc<Admission>,
    is_stopping: Cell<bool>,
    open: Cell<usize>,
    last_closed: Notify,
}

/// A connection that is counted.
struct Open(Rc<Worker>);

impl Worker {
    pub(crate) fn new(shared: Shared) -> Rc<Self> {
        let limits = &shared.settings.limits;
        let mut http1_server = http1::Builder::new();
        // Times are our own (`Client`): hyper's cost a timer a request.
        http1_server
            .header_read_timeout(None)
            .max_header_size(limits.header_bytes)
            .max_buf_size(BUFFER.max(limits.header_bytes + 8 * 1024));
        if limits.header_count != HYPERS_HEADERS {
            http1_server.max_headers(limits.header_count);
        }
        let mut http2_server = http2::Builder::new(LocalExecutor);
        http2_server
            .max_concurrent_streams(limits.http2_streams)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(BUFFER)
            .initial_stream_window_size(HTTP2_WINDOW)
            .initial_connection_window_size(4 * HTTP2_WINDOW);
        Rc::new(Self {
            pool: Pool::new(limits.idle_per_backend, shared.settings.timeouts.backend_idle),
            http2: Http2Pool::default(),
            http1_server,
            http2_server,
            settings: shared.settings,
            routes: shared.routes,
            certificates: shared.certificates,
            challenges: shared.challenges,
            strays: shared.strays,
            stop: shared.stop,
            http_port: shared.http_port,
            https_port: shared.https_port,
            admission: shared.admission,
            clock: Clock::new(),
            is_stopping: Cell::new(false),
            open: Cell::new(0),
            last_closed: Notify::new(),
        })
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.get()
    }

    /// Serves until told to stop, and then until what there is has finished or its time is over.
    pub(crate) async fn run(self: Rc<Self>, listeners: Vec<(TcpListener, Option<TlsAcceptor>)>) {
        tokio::task::spawn_local(Rc::clone(&self).tick());
        let accepting = listeners.into_iter().map(|(listener, tls)| Rc::clone(&self).accept(listener, tls));
        futures::future::join_all(accepting).await;

        self.is_stopping.set(true);
        self.clock.wake_all();
        let drain = self.settings.drain;
        let closed = async {
            while self.open.get() > 0 {
                self.last_closed.notified().await;
            }
        };
        if timeout(drain.requests.max(drain.upgraded) + CLOSING, closed).await.is_err() {
            tracing::warn!(connections = self.open.get(), "connections cut: their time to finish is over");
        }
    }

    /// Accepts until told to stop: then once more all who wait in the kernel's queue, who believe to be connected.
    async fn accept(self: Rc<Self>, listener: TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept connections");
                    // Nothing tells when descriptors are free again, so it is tried again by and by.
                    tokio::select! {
                        () = sleep(EXHAUSTED) => continue,
                        () = self.stop.cancelled() => return,
                    }
                }
            };
            // One connection a listener waits here when there are too many, the others in the kernel's queue.
            let permit = tokio::select! {
                biased;
                permit = self.admission.permit() => permit,
                () = self.stop.cancelled() => return,
            };
            self.open(socket, peer, permit, tls.clone());
        }
    }

    fn open(self: &Rc<Self>, socket: TcpStream, peer: SocketAddr, permit: Permit, tls: Option<TlsAcceptor>) {
        let Some(admitted) = self.admission.admit(peer.ip(), &self.settings) else { return };
        self.open.set(self.open.get() + 1);
        let open = Open(Rc::clone(self));
        tokio::task::spawn_local(async move {
            connection::serve(Rc::clone(&open.0), socket, peer, tls).await;
            drop((admitted, permit, open));
        });
    }

    async fn tick(self: Rc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until_sweep = SWEEP;
        loop {
            pin!(ticks.tick()).await;
            let now_ms = precise_ms();
            self.clock.tick(now_ms);
            until_sweep -= 1;
            if until_sweep == 0 {
                until_sweep = SWEEP;
                self.pool.sweep(now_ms);
                self.http2.sweep();
            }
        }
    }
}

/// What is buffered of a body in either direction.
const BUFFER: usize = 64 * 1024;
/// hyper's own limit, which costs less than one that is set.
const HYPERS_HEADERS: usize = 100;
const HTTP2_WINDOW: u32 = 256 * 1024;

/// Whether an error of accept is about the connection that was to be accepted, not about us.
fn is_of_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        if self.0.open.get() == 0 {
            self.0.last_closed.notify_one();
        }
    }
}
