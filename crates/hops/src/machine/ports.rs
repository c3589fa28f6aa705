//! The ports that apps are called at: 80 and 443, else 8080 and 8443.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use anyhow::Context;

use super::manager::Kept;
use crate::failure::{Blame, Failure};

/// What is wanted where nothing is configured, and what will do.
const DEFAULTS: [Pair; 2] = [Pair { http: 80, https: 443 }, Pair { http: 8080, https: 8443 }];

#[derive(Debug, Clone, Copy)]
struct Pair {
    http: u16,
    https: u16,
}

/// Where apps are listened for.
#[derive(Debug)]
pub(crate) struct Ports {
    /// Plain HTTP: a socket for each thread of the proxy.
    pub(crate) http: Vec<TcpListener>,
    /// HTTP with TLS, likewise.
    pub(crate) https: Vec<TcpListener>,
    /// Why it is not 80 and 443, where nothing was configured.
    pub(crate) fallback: Option<Fallback>,
}

/// Why a port could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fallback {
    /// The reason.
    pub(crate) why: String,
    /// What could be done about it.
    pub(crate) remedy: Option<&'static str>,
}

impl Ports {
    /// Listens at the addresses that are configured. Where none is, ports 80 and 443 are tried, then 8080 and 8443: both
    /// of a pair or none, so that what is told about them is simple. Sockets that were kept over a restart are used again.
    pub(crate) fn listen(
        http: Option<SocketAddr>,
        https: Option<SocketAddr>,
        threads: usize,
        kept: &mut Kept,
    ) -> Result<Self, Failure> {
        let mut fallback = None;
        let [standard, other] = DEFAULTS
            .map(|pair| (Wanted::new("http", http, pair.http), Wanted::new("https", https, pair.https)));
        let mut listened = both(&standard, threads, kept);
        if let Err((Wanted { is_configured: false, port, .. }, error)) = &listened
            && let Some(why) = reason(*port, error)
        {
            fallback = Some(why);
            listened = both(&other, threads, kept);
        }
        match listened {
            Ok((http, https)) => Ok(Self { http, https, fallback }),
            Err((wanted, error)) => Err(wanted.failure(error, fallback.as_ref())),
        }
    }
}

impl Ports {
    /// The numbers of both.
    pub(crate) fn numbers(&self) -> io::Result<[u16; 2]> {
        let number = |sockets: &[TcpListener]| io::Result::Ok(sockets[0].local_addr()?.port());
        Ok([number(&self.http)?, number(&self.https)?])
    }
}

/// An address that is to be listened at.
#[derive(Debug, Clone)]
struct Wanted {
    name: &'static str,
    configured: Option<SocketAddr>,
    port: u16,
    is_configured: bool,
}

impl Wanted {
    fn new(name: &'static str, configured: Option<SocketAddr>, default: u16) -> Self {
        let port = configured.map_or(default, |address| address.port());
        Self { name, configured, port, is_configured: configured.is_some() }
    }

    fn listen(&self, threads: usize, kept: &mut Kept) -> io::Result<Vec<TcpListener>> {
        let addresses = match self.configured {
            Some(address) => vec![address],
            None => {
                vec![(Ipv6Addr::UNSPECIFIED, self.port).into(), (Ipv4Addr::UNSPECIFIED, self.port).into()]
            }
        };
        let sockets = kept.take(self.name, &addresses);
        if !sockets.is_empty() {
            return Ok(sockets);
        }
        let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
        for address in addresses {
            result = hops_proxy::listen(address, threads);
            match &result {
                // `[::]` takes IPv4 as well. A machine without IPv6 has no such address.
                Err(error) if is_without_ipv6(error) => {}
                _ => break,
            }
        }
        result
    }

    fn failure(&self, error: io::Error, before: Option<&Fallback>) -> Failure {
        let place =
            self.configured.map_or_else(|| format!("port {}", self.port), |address| address.to_string());
        let what = match before {
            Some(Fallback { why, .. }) => {
                format!("cannot listen for apps on {place}, where they would be since {why}")
            }
            None => format!("cannot listen for apps on {place}"),
        };
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "`ss -ltnp 'sport = :{port}'` as root shows who has it; `{name} = \"ADDRESS:PORT\"` in `[ports]` names another one",
                port = self.port,
                name = self.name
            ),
            io::ErrorKind::PermissionDenied => ALLOW.to_owned(),
            _ => format!("`{} = \"ADDRESS:PORT\"` in `[ports]` names another one", self.name),
        };
        Err::<(), _>(error).context(what).users().hint(hint).expect_err("it is one")
    }
}

/// What lets programs of this user listen on low ports.
const ALLOW: &str =
    "`sysctl net.ipv4.ip_unprivileged_port_start=80` as root lets everybody listen on ports from 80 on";

fn both(
    (http, https): &(Wanted, Wanted),
    threads: usize,
    kept: &mut Kept,
) -> Result<(Vec<TcpListener>, Vec<TcpListener>), (Wanted, io::Error)> {
    let listen = |wanted: &Wanted, kept: &mut Kept| {
        wanted.listen(threads, kept).map_err(|error| (wanted.clone(), error))
    };
    Ok((listen(http, kept)?, listen(https, kept)?))
}

/// Why a port cannot be had, if that is no reason to give up.
fn reason(port: u16, error: &io::Error) -> Option<Fallback> {
    let (why, remedy) = match error.kind() {
        io::ErrorKind::PermissionDenied => (format!("this user may not listen on port {port}"), Some(ALLOW)),
        io::ErrorKind::AddrInUse => (format!("another program listens on port {port}"), None),
        _ => return None,
    };
    Some(Fallback { why, remedy })
}

fn is_without_ipv6(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(code, Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn free() -> SocketAddr {
        hops_testkit::address::own_socket().unwrap()
    }

    fn check(failure: &Failure, expected: &Expect) {
        expected.assert_eq(&failure.render(anstyle::Style::new(), anstyle::Style::new()));
    }

    #[test]
    fn what_is_configured_is_listened_at() {
        let (http, https) = (free(), free());
        let ports = Ports::listen(Some(http), Some(https), 2, &mut Kept::default()).unwrap();
        assert_eq!(ports.http[1].local_addr().unwrap(), http);
        assert_eq!(ports.https[1].local_addr().unwrap(), https);
        assert_eq!(ports.fallback, None);
    }

    #[test]
    fn what_is_configured_and_taken_is_told_and_not_replaced() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let failure = Ports::listen(Some(free()), Some(address), 2, &mut Kept::default()).unwrap_err();
        assert_eq!(failure.exit, crate::exit::Exit::Users);
        let text = failure.render(anstyle::Style::new(), anstyle::Style::new());
        assert!(text.starts_with(&format!("error: cannot listen for apps on {address}\n")), "{text}");
        assert!(text.contains("`https = \"ADDRESS:PORT\"` in `[ports]`"), "{text}");
    }

    #[test]
    fn a_port_that_is_taken_or_forbidden_has_a_fallback_and_says_why() {
        let kind = |kind: io::ErrorKind| io::Error::from(kind);
        assert_eq!(
            reason(80, &kind(io::ErrorKind::AddrInUse)).unwrap().why,
            "another program listens on port 80"
        );
        let forbidden = reason(443, &kind(io::ErrorKind::PermissionDenied)).unwrap();
        assert_eq!(forbidden.why, "this user may not listen on port 443");
        assert_eq!(forbidden.remedy, Some(ALLOW));
        assert_eq!(reason(443, &kind(io::ErrorKind::OutOfMemory)), None);
        let wanted = Wanted::new("http", None, 8080);
        check(
            &wanted.failure(kind(io::ErrorKind::AddrInUse), Some(&forbidden)),
            &expect![[r#"
                error: cannot listen for apps on port 8080, where they would be since this user may not listen on port 443
                  caused by: address in use

                hint: `ss -ltnp 'sport = :8080'` as root shows who has it; `http = "ADDRESS:PORT"` in `[ports]` names another one
            "#]],
        );
    }
}
