//! Takes connections until it is told to stop.

use std::{fmt, io, sync::Arc, time::Duration};

use axum::Router;
use hops_control::Control;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{AccessToken, router::router};

/// How long requests under way may take to end, once the server stops. Pushes are the ones that need it.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, and to begin its next one on the same connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections there may be; more wait. Each takes memory before it has shown a token.
const CONNECTIONS: usize = 1000;
/// How long to wait when the system has no room for another connection, such as for want of file descriptors.
const NO_ROOM: Duration = Duration::from_secs(1);

/// What a platform says of its server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The largest push taken.
    pub max_push_bytes: u64,
    /// What is answered at `/metrics`; without it there is nothing.
    pub metrics: Option<Metrics>,
}

/// Measured values, written anew for every request, as text that Prometheus reads.
#[derive(Clone)]
pub struct Metrics(Arc<dyn Fn() -> String + Send + Sync>);

impl Metrics {
    /// Values that this function writes.
    pub fn new(write: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    pub(crate) fn write(&self) -> String {
        (self.0)()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(…)")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_push_bytes: 1024 * 1024 * 1024, metrics: None }
    }
}

/// What every request has at hand.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) control: Control,
    pub(crate) settings: Settings,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}

/// Serves until `shutdown` completes. Streams then end at once, and other requests have some seconds to do so.
pub async fn serve(
    listener: TcpListener,
    control: Control,
    access: AccessToken,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) {
    let stop = CancellationToken::new();
    let router = router(Shared { control, settings, stop: stop.clone() }, access);
    let connections = GracefulShutdown::new();
    tokio::select! {
        never = accept(&listener, &router, &connections) => match never {},
        () = shutdown => {}
    }
    drop(listener);
    stop.cancel();
    if timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    router: &Router,
    connections: &GracefulShutdown,
) -> std::convert::Infallible {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await.expect("nobody closes the semaphore");
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                if !is_the_clients(&error) {
                    tracing::error!(%error, "cannot take a connection");
                    sleep(NO_ROOM).await;
                }
                continue;
            }
        };
        let serving = connections.watch(connection(socket, router));
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
}

fn connection(
    socket: TcpStream,
    router: &Router,
) -> http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>> {
    // Messages of streams are small and wait for no more.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router.clone()))
}

/// Whether a client went away before it was taken.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
