//! What is decided about hosts: how they are called, which one leads to the server, and which want a certificate.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use hops_certificates::Certifier;
use hops_docker::{Redirect, Settings};
use hops_engine::Scheme;
use hops_model::HostName;
use hops_proxy::{Backend, Https, Route, Routes, Upstream};
use tokio::signal::unix::{SignalKind, signal};

/// Says how apps are called from outside, unless the operator did.
pub(super) fn name(
    settings: &mut Settings,
    certificates: &hops_certificates::Settings,
    http: u16,
    https: u16,
) {
    if settings.public_scheme.is_some() {
        return;
    }
    let has_files = !certificates.files.is_empty();
    let is_certified = certificates.email.is_some() || has_files;
    let (scheme, port, standard) =
        if is_certified { (Scheme::Https, https, 443) } else { (Scheme::Http, http, 80) };
    settings.public_scheme = Some(scheme);
    settings.public_port = settings.public_port.or(Some(port)).filter(|port| *port != standard);
    // What files are for, only they say; there may be one for local names.
    settings.clear_port = (is_certified && !has_files).then_some(http);
}

/// Has a host lead to the server. It is spoken to in the clear only where it cannot leave the machine, or where something
/// else ends TLS: the token travels with every request.
pub(super) fn route_server(routes: &Routes, host: &HostName, server: SocketAddr, redirect: Redirect) {
    let upstream = Upstream::new("hops/server");
    // Nothing was there before that could be drained.
    drop(upstream.set(vec![Backend { address: reachable(server), release: String::new() }]));
    let is_local = host.as_str() == "localhost" || host.as_str().ends_with(".localhost");
    let https = if is_local || redirect == Redirect::Never { Https::Never } else { Https::Always };
    routes.set(host.as_str(), Route { upstream, https });
}

/// Where a server that listens there is reached from this machine.
pub(super) fn reachable(server: SocketAddr) -> SocketAddr {
    let address = match server.ip() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, server.port())
}

/// Has certificates follow the hosts that are routed, and reads files again at SIGHUP. Never ends.
pub(super) async fn certify(certifier: Certifier, routes: Routes) {
    let mut changes = routes.changes();
    let mut hangups = signal(SignalKind::hangup()).ok();
    let mut wanted = BTreeSet::new();
    loop {
        changes.mark_unchanged();
        let hosts: BTreeSet<String> = routes.hosts().into_iter().collect();
        // Roll-outs change backends of hosts that stay.
        if hosts != wanted {
            certifier.want(&hosts);
            wanted = hosts;
        }
        let hangup = async {
            match &mut hangups {
                Some(hangups) => hangups.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            _ = hangup => {
                tracing::info!("reading certificates anew");
                certifier.reload();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(email: Option<&str>, http: u16, https: u16, settings: Settings) -> String {
        let mut settings = settings;
        let email = email.map(|email| hops_certificates::Email::parse(email).unwrap());
        let certificates = hops_certificates::Settings { email, ..hops_certificates::Settings::default() };
        name(&mut settings, &certificates, http, https);
        format!("{} {}", settings.url("shop.example.com"), settings.url("shop.localhost"))
    }

    #[test]
    fn apps_are_called_by_what_there_is_unless_the_operator_says_otherwise() {
        let check = |email, http, https, settings, expected| {
            assert_eq!(called(email, http, https, settings), expected);
        };
        let default = Settings::default;
        check(None, 80, 443, default(), "http://shop.example.com http://shop.localhost");
        check(None, 8080, 8443, default(), "http://shop.example.com:8080 http://shop.localhost:8080");
        check(Some("a@b"), 80, 443, default(), "https://shop.example.com http://shop.localhost");
        check(Some("a@b"), 8080, 8443, default(), "https://shop.example.com:8443 http://shop.localhost:8080");
        let behind = Settings { public_scheme: Some(Scheme::Https), ..default() };
        check(None, 8080, 8443, behind, "https://shop.example.com https://shop.localhost");
        let mapped = Settings { public_port: Some(9000), ..default() };
        check(None, 8080, 8443, mapped, "http://shop.example.com:9000 http://shop.localhost:9000");
    }

    #[test]
    fn the_server_is_spoken_to_in_the_clear_only_on_its_machine() {
        let https = |host: &str, redirect| {
            let routes = Routes::new();
            let server = "0.0.0.0:7070".parse().unwrap();
            route_server(&routes, &HostName::parse(host).unwrap(), server, redirect);
            let route = routes.get(host).unwrap();
            assert_eq!(route.upstream.backends()[0].address, "127.0.0.1:7070".parse().unwrap());
            route.https
        };
        assert_eq!(https("hops.example.com", Redirect::WhenCertified), Https::Always);
        assert_eq!(https("hops.example.com", Redirect::Never), Https::Never);
        assert_eq!(https("hops.localhost", Redirect::WhenCertified), Https::Never);
    }
}
