//! The proxy as a whole: threads, listeners, start and stop.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};

use tokio::{net::TcpListener, runtime, sync::oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    admission::Admission,
    certificates::Certificates,
    challenges::Challenges,
    counters::Counters,
    listen::Listeners,
    metrics,
    routes::Routes,
    settings::Settings,
    tls,
    worker::{Shared, Worker},
};

/// A running proxy. It stops when told to ([`Proxy::shut_down`]), or when dropped: then without waiting for anybody.
#[derive(Debug)]
pub struct Proxy {
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    routes: Routes,
    admission: Arc<Admission>,
    strays: Arc<Counters>,
    stop: CancellationToken,
    /// One a thread, gone when the thread is done.
    threads: Vec<oneshot::Receiver<()>>,
}

/// Why the proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// There is nothing to listen on.
    #[error("no listener is given")]
    NoListener,
}

impl Proxy {
    /// Starts to serve. When this returns, the listeners take connections.
    ///
    /// It runs on threads of its own: the caller needs no runtime.
    pub fn start(
        settings: Settings,
        listeners: Listeners,
        routes: Routes,
        certificates: Certificates,
        challenges: Challenges,
    ) -> Result<Self, StartError> {
        let count = settings.thread_count();
        let config = tls::configure(certificates.clone(), challenges.clone()).map_err(StartError::Tls)?;
        let acceptor = TlsAcceptor::from(config);

        let mut sockets: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
        let mut addresses = [Vec::new(), Vec::new()];
        let kinds = [(listeners.http, None), (listeners.https, Some(acceptor))];
        for (addresses, (kind, tls)) in addresses.iter_mut().zip(kinds) {
            for listen in kind {
                let name = format!("{listen:?}");
                let opened = listen.open(count);
                let (address, opened) =
                    opened.map_err(|source| StartError::Listen { address: name, source })?;
                addresses.push(address);
                for (index, socket) in opened.into_iter().enumerate() {
                    sockets[index % count].push((socket, tls.clone()));
                }
            }
        }
        let [http, https] = addresses;
        if http.is_empty() && https.is_empty() {
            return Err(StartError::NoListener);
        }

        let shared = Shared {
            admission: Admission::new(settings.limits.connections),
            settings: Arc::new(settings),
            routes: routes.clone(),
            certificates,
            challenges,
            strays: Arc::default(),
            stop: CancellationToken::new(),
            http_port: http.first().map(SocketAddr::port),
            https_port: https.first().map(SocketAddr::port),
        };
        let mut proxy = Self {
            http,
            https,
            routes,
            admission: Arc::clone(&shared.admission),
            strays: Arc::clone(&shared.strays),
            stop: shared.stop.clone(),
            threads: Vec::new(),
        };
        for (index, sockets) in sockets.into_iter().enumerate() {
            proxy.threads.push(spawn(index, shared.clone(), sockets).map_err(StartError::Thread)?);
        }
        Ok(proxy)
    }

    /// Where HTTP is served; with several listeners, the first.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.first().copied()
    }

    /// Where HTTPS is served; with several listeners, the first.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.https.first().copied()
    }

    /// What was counted, in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        metrics::text(&self.routes, &self.admission, &self.strays)
    }

    /// Stops accepting, lets finish what there is within [`DrainTimes`](crate::DrainTimes), and stops.
    ///
    /// Idle connections are closed; those with a request are after it; HTTP/2 is told GOAWAY; upgraded connections
    /// have their time and a proper close.
    pub async fn shut_down(mut self) {
        self.stop.cancel();
        for thread in std::mem::take(&mut self.threads) {
            // The sender is only ever dropped.
            let _ = thread.await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

type Sockets = Vec<(std::net::TcpListener, Option<TlsAcceptor>)>;

/// Starts a thread that serves; an error when it cannot.
fn spawn(index: usize, shared: Shared, sockets: Sockets) -> io::Result<oneshot::Receiver<()>> {
    let (done, is_done) = oneshot::channel();
    let (ready, is_ready) = mpsc::sync_channel(1);
    thread::Builder::new().name(format!("proxy-{index}")).spawn(move || {
        // Dropped when the thread ends, however it does.
        let _done: oneshot::Sender<()> = done;
        let prepared = runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(runtime::LocalOptions::default())
            .and_then(|runtime| {
                let context = runtime.enter();
                let listeners =
                    sockets.into_iter().map(|(socket, tls)| Ok((TcpListener::from_std(socket)?, tls)));
                let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
                drop(context);
                Ok((runtime, listeners))
            });
        let (result, prepared) = match prepared {
            Ok(prepared) => (Ok(()), Some(prepared)),
            Err(error) => (Err(error), None),
        };
        // Whoever starts the proxy waits for this.
        let _ = ready.send(result);
        if let Some((runtime, listeners)) = prepared {
            runtime.block_on(async move { Worker::new(shared).run(listeners).await });
        }
    })?;
    is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))?;
    Ok(is_done)
}
