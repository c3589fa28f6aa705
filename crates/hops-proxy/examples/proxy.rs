//! The proxy alone: `proxy LISTEN BACKEND...` sends every request for `localhost` or `127.0.0.1` to the backends.
//!
//! ```console
//! $ cargo run --release -p hops-proxy --example proxy -- 127.0.0.1:8080 127.0.0.1:3000 127.0.0.1:3001
//! ```
//!
//! With `TLS_LISTEN` in the environment it also serves HTTPS there, with a certificate of its own making; with
//! `THREADS` so many threads. It stops when its standard input ends.

use std::{env, io::Read, net::SocketAddr};

use anyhow::{Context, Result};
use hops_proxy::{Backend, Certificates, Challenges, Https, Listeners, Proxy, Route, Routes, Settings, Upstream};
use rustls::{crypto::aws_lc_rs, sign::CertifiedKey};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let listen: SocketAddr = arguments.next().context("usage: proxy LISTEN BACKEND...")?.parse()?;
    let backends = arguments
        .map(|address| Ok(Backend { address: address.parse()?, release: "1".to_owned() }))
        .collect::<Result<Vec<_>>>()?;

    let upstream = Upstream::new("example");
    let _ = upstream.set(backends);
    let (routes, certificates) = (Routes::new(), Certificates::new());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(made.signing_key.into())?;
    certificates.set("localhost", CertifiedKey::new(vec![made.cert.into()], key));
    for host in ["localhost", "127.0.0.1"] {
        routes.set(host, Route { upstream: upstream.clone(), https: Https::Never });
    }

    let mut listeners = Listeners { http: vec![listen.into()], ..Listeners::default() };
    if let Ok(address) = env::var("TLS_LISTEN") {
        listeners.https.push(address.parse::<SocketAddr>()?.into());
    }
    let mut settings = Settings::default();
    settings.threads = env::var("THREADS").ok().map(|count| count.parse()).transpose()?;
    settings.limits.connections_per_address = settings.limits.connections;
    let proxy = Proxy::start(settings, listeners, routes, certificates, Challenges::new())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(proxy);
    Ok(())
}
