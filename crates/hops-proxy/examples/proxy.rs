//! The proxy alone: `proxy [OPTION...] LISTEN BACKEND...` sends every request for `localhost` or `127.0.0.1` to the
//! backends.
//!
//! ```console
//! $ cargo run --release -p hops-proxy --example proxy -- 127.0.0.1:8080 127.0.0.1:3000 127.0.0.1:3001
//! ```
//!
//! Options: `--https=ADDRESS` serves HTTPS as well, with a certificate of its own making; `--threads=NUMBER`;
//! `--access-log` writes a line for every request on stdout. It stops when its standard input ends.

use std::{env, io::Read, net::SocketAddr};

use anyhow::{Context, Result, bail};
use hops_proxy::{
    Backend, Certificates, Challenges, Https, Listeners, Proxy, Route, Routes, Settings, Upstream,
};
use rustls::{crypto::aws_lc_rs, sign::CertifiedKey};

fn main() -> Result<()> {
    let mut settings = Settings::default();
    settings.limits.connections_per_address = settings.limits.connections;
    let mut listeners = Listeners::default();
    let (options, addresses): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|word| word.starts_with("--"));
    for option in options {
        match option.split_once('=') {
            Some(("--https", address)) => listeners.https.push(address.parse::<SocketAddr>()?.into()),
            Some(("--threads", number)) => settings.threads = Some(number.parse()?),
            None if option == "--access-log" => tracing_subscriber::fmt().init(),
            _ => bail!("there is no option `{option}`"),
        }
    }
    let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let (listen, backends) = addresses.split_first().context("usage: proxy [OPTION...] LISTEN BACKEND...")?;
    listeners.http.push((*listen).into());

    let upstream = Upstream::new("example");
    let backend = |&address| Backend { address, release: "1".to_owned() };
    let _ = upstream.set(backends.iter().map(backend).collect());
    let (routes, certificates) = (Routes::new(), Certificates::new());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(made.signing_key.into())?;
    certificates.set("localhost", CertifiedKey::new(vec![made.cert.into()], key));
    for host in ["localhost", "127.0.0.1"] {
        routes.set(host, Route { upstream: upstream.clone(), https: Https::Never });
    }

    let proxy = Proxy::start(settings, listeners, routes, certificates, Challenges::new())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(proxy);
    Ok(())
}
