//! A proxy in front of backends that are a few lines each.

mod backend;
mod wire;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hops_proxy::{
    Balance, Certificates, Challenges, DrainTimes, Https, Listeners, Proxy, Route, Routes, Settings,
    Timeouts, Upstream,
};
use rustls::{crypto::aws_lc_rs, pki_types::CertificateDer, sign::CertifiedKey};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub(crate) use backend::{Backend, ok, read};
pub(crate) use wire::{Answer, Wire};

/// Nothing here takes that long, also on a busy machine; what does hangs.
pub(crate) const HANG: Duration = Duration::from_mins(1);
/// For a timeout that is not to end anything in a test.
pub(crate) const NEVER: Duration = Duration::from_hours(1);
pub(crate) const HOST: &str = "shop.example";

/// A proxy with one route, from [`HOST`] to `upstream`.
pub(crate) struct World {
    pub(crate) proxy: Proxy,
    pub(crate) address: SocketAddr,
    pub(crate) routes: Routes,
    pub(crate) certificates: Certificates,
    pub(crate) challenges: Challenges,
    pub(crate) upstream: Arc<Upstream>,
}

impl World {
    pub(crate) fn new(backends: &[&Backend]) -> Self {
        Self::with(Settings::default(), backends)
    }

    pub(crate) fn with(settings: Settings, backends: &[&Backend]) -> Self {
        let upstream = Upstream::with("shop", Balance::LeastInFlight, settings.drain);
        let _ = upstream.set(backends.iter().map(|backend| backend.as_backend("1")).collect());
        Self::serving(settings, upstream)
    }

    pub(crate) fn serving(settings: Settings, upstream: Arc<Upstream>) -> Self {
        let (routes, certificates, challenges) = (Routes::new(), Certificates::new(), Challenges::new());
        routes.set(HOST, Route { upstream: Arc::clone(&upstream), https: Https::WhenCertified });
        // Once the proxy has stopped, nobody else listens there.
        let own = || vec![SocketAddr::from((hops_testkit::address::own().unwrap(), 0)).into()];
        let proxy = Proxy::start(
            settings,
            Listeners { http: own(), https: own() },
            routes.clone(),
            certificates.clone(),
            challenges.clone(),
        )
        .unwrap();
        let address = proxy.http_address().unwrap();
        Self { proxy, address, routes, certificates, challenges, upstream }
    }

    pub(crate) async fn connect(&self) -> Wire<TcpStream> {
        Wire::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// One request on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let mut wire = self.connect().await;
        wire.send(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        wire.answer().await
    }

    /// Sends bytes as they are, and returns everything that comes until the proxy closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        // The proxy may close before it has read everything.
        let _ = socket.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = timeout(HANG, socket.read_to_end(&mut answer)).await.expect("the proxy hangs");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Settings for one thread, which keeps its connections to backends as long as they let it.
pub(crate) fn one_thread() -> Settings {
    let timeouts = Timeouts { backend_idle: NEVER, ..Timeouts::default() };
    Settings { threads: Some(1.try_into().unwrap()), timeouts, ..Settings::default() }
}

/// Settings in which a drain is over soon.
pub(crate) fn short_drain() -> Settings {
    let drain = DrainTimes { requests: Duration::from_secs(2), upgraded: Duration::from_millis(300) };
    Settings { drain, ..Settings::default() }
}

/// The status in an answer's first line.
pub(crate) fn status(answer: &str) -> &str {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or("")
}

/// A certificate that signs itself: for the proxy, and for whoever is to trust it.
pub(crate) fn certificate(host: &str) -> (CertifiedKey, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(made.signing_key.into()).unwrap();
    let certificate = CertificateDer::from(made.cert);
    (CertifiedKey::new(vec![certificate.clone()], key), certificate)
}
