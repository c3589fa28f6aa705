//! Takes connections until it is told to stop.

use std::{io, time::Duration};

use axum::serve::ListenerExt;
use hops_control::Control;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{AccessToken, router::router};

/// How long requests under way may take to end, once the server stops. Pushes are the ones that need it.
const DRAIN: Duration = Duration::from_secs(10);

/// Limits of the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The largest push taken.
    pub max_push_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_push_bytes: 1024 * 1024 * 1024 }
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
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stop = CancellationToken::new();
    let router = router(Shared { control, settings, stop: stop.clone() }, access);
    // Messages of streams are small and wait for no more.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let told = {
        let stop = stop.clone();
        async move {
            shutdown.await;
            stop.cancel();
        }
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(told).into_future();
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served,
        () = too_long => Ok(()),
    }
}
