//! A certificate authority (pebble), its view of the DNS, and the real proxy, on addresses of their own.

use std::{
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use hops_certificates::{Certifier, ChallengeKind, Directory, Email, HostStatus, Settings, State};
use hops_proxy::{Certificates, Challenges, Listeners, Proxy, Routes};
use serde_json::json;
use tempfile::TempDir;
use tokio::time;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A certificate authority.
pub(crate) struct Authority {
    pub(crate) folder: TempDir,
    /// All of 127.0.0.0/8 is this machine: an address of its own makes every port free.
    pub(crate) ip: Ipv4Addr,
    options: Options,
    pebble: Program,
    _dns: Program,
}

/// What of it differs from test to test.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// Seconds that a certificate is valid.
    pub(crate) validity: Option<u64>,
    /// Whether accounts have to be known beforehand: their name and secret.
    pub(crate) external: Option<(&'static str, &'static str)>,
}

impl Authority {
    pub(crate) async fn start(options: Options) -> Self {
        let folder = TempDir::new().unwrap();
        let ip = unused_address();
        server_certificate(folder.path(), ip);
        let dns = Program::start(
            Command::new("pebble-challtestsrv")
                .args(["-dns01", &format!("{ip}:8053"), "-management", &format!("{ip}:8055")])
                .args(["-defaultIPv4", &ip.to_string(), "-defaultIPv6", ""])
                .args(["-http01", "", "-https01", "", "-tlsalpn01", ""]),
        );
        dns.is_listening(SocketAddr::from((ip, 8053))).await;
        let pebble = pebble(folder.path(), ip, &options);
        pebble.is_listening(SocketAddr::from((ip, 14000))).await;
        Self { folder, ip, options, pebble, _dns: dns }
    }

    /// It forgets everything, as it does whenever it is started.
    pub(crate) async fn lose_its_state(&mut self) {
        self.pebble.stop();
        self.pebble = pebble(self.folder.path(), self.ip, &self.options);
        self.pebble.is_listening(SocketAddr::from((self.ip, 14000))).await;
    }

    /// Where this host is, as it sees it.
    pub(crate) async fn resolve(&self, host: &str, address: Ipv4Addr) {
        // To add one to those that there are is all it offers.
        for path in ["clear-a", "add-a"] {
            let body = json!({ "host": format!("{host}."), "addresses": [address] });
            let url = format!("http://{}:8055/{path}", self.ip);
            let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}");
        }
    }

    /// The certificate that all of its certificates rest on.
    pub(crate) async fn root(&self) -> reqwest::Certificate {
        let own = std::fs::read(self.folder.path().join("root.pem")).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&own).unwrap()])
            .build()
            .unwrap();
        let root = client.get(format!("https://{}:15000/roots/0", self.ip)).send().await.unwrap();
        reqwest::Certificate::from_pem(&root.bytes().await.unwrap()).unwrap()
    }

    /// How many orders it has taken.
    pub(crate) fn orders(&self) -> usize {
        self.pebble.lines("Added order ")
    }

    /// How many accounts it has made.
    pub(crate) fn accounts(&self) -> usize {
        self.pebble.lines(" accounts in memory")
    }

    /// How it is used.
    pub(crate) fn settings(&self, challenge: ChallengeKind) -> Settings {
        Settings {
            email: Some(Email::parse("ops@example.com").unwrap()),
            directory: Directory::parse(&format!("https://{}:14000/dir", self.ip)).unwrap(),
            ca_file: Some(self.folder.path().join("root.pem")),
            challenge,
            // Its names are known to its own DNS alone.
            check_resolves: false,
            ..Settings::default()
        }
    }

    pub(crate) fn state_directory(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }
}

/// The proxy where the authority looks, with a certifier.
pub(crate) struct Site {
    pub(crate) certifier: Certifier,
    pub(crate) certificates: Certificates,
    ip: Ipv4Addr,
    proxy: Proxy,
}

impl Site {
    pub(crate) fn start(authority: &Authority, settings: Settings) -> Self {
        let certificates = Certificates::new();
        let challenges = Challenges::new();
        let listen = |port| SocketAddr::from((authority.ip, port)).into();
        let listeners = Listeners { http: vec![listen(5002)], https: vec![listen(5001)] };
        let proxy = Proxy::start(
            hops_proxy::Settings::default(),
            listeners,
            Routes::new(),
            certificates.clone(),
            challenges.clone(),
        )
        .unwrap();
        let directory = authority.state_directory();
        let certifier = Certifier::start(settings, directory, certificates.clone(), challenges).unwrap();
        Self { certifier, certificates, ip: authority.ip, proxy }
    }

    /// Ends, with its ports free again.
    pub(crate) async fn stop(self) {
        self.proxy.shut_down().await;
    }

    /// How this host stands.
    pub(crate) fn status(&self, host: &str) -> Option<HostStatus> {
        self.certifier.status().into_iter().find(|status| status.host == host)
    }

    /// Waits until the host stands so.
    pub(crate) async fn until(&self, host: &str, wanted: impl Fn(&HostStatus) -> bool) -> HostStatus {
        let mut changes = self.certifier.changes();
        let waiting = async {
            loop {
                if let Some(status) = self.status(host).filter(&wanted) {
                    return status;
                }
                changes.changed().await.unwrap();
            }
        };
        time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|late| panic!("{late}: {host} stands so: {:?}", self.status(host)))
    }

    pub(crate) async fn until_kept(&self, host: &str) -> HostStatus {
        self.until(host, |status| matches!(status.state, State::Kept { .. })).await
    }

    /// What the proxy answers by HTTPS, to a client that trusts the authority alone.
    pub(crate) async fn get(&self, root: &reqwest::Certificate, host: &str) -> reqwest::Result<u16> {
        let client = reqwest::Client::builder()
            .tls_certs_only([root.clone()])
            .resolve(host, SocketAddr::from((self.ip, 5001)))
            .build()?;
        let answer = client.get(format!("https://{host}:5001/")).send().await?;
        Ok(answer.status().as_u16())
    }
}

/// A program that ends with the test.
struct Program {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("cannot start `{name}` ({error}); it is in the Debian package `pebble`")
        });
        let output = Arc::new(Mutex::new(Vec::new()));
        let (stdout, lines) = (child.stdout.take().unwrap(), Arc::clone(&output));
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self { child, output }
    }

    async fn is_listening(&self, address: SocketAddr) {
        let connect = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                time::sleep(Duration::from_millis(10)).await;
            }
        };
        let output = || self.output.lock().unwrap().join("\n");
        time::timeout(PATIENCE, connect).await.unwrap_or_else(|_| panic!("{}", output()));
    }

    fn lines(&self, with: &str) -> usize {
        self.output.lock().unwrap().iter().filter(|line| line.contains(with)).count()
    }

    fn stop(&mut self) {
        // Errors where it is gone already, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

fn pebble(folder: &Path, ip: Ipv4Addr, options: &Options) -> Program {
    let mut configuration = json!({
        "listenAddress": format!("{ip}:14000"),
        "managementListenAddress": format!("{ip}:15000"),
        "certificate": folder.join("server.pem"),
        "privateKey": folder.join("server.key"),
        "httpPort": 5002,
        "tlsPort": 5001,
    });
    if let Some(validity) = options.validity {
        configuration["certificateValidityPeriod"] = validity.into();
    }
    if let Some((name, secret)) = options.external {
        configuration["externalAccountBindingRequired"] = true.into();
        configuration["externalAccountMACKeys"] = json!({ name: secret });
    }
    let file = folder.join("pebble.json");
    std::fs::write(&file, json!({ "pebble": configuration }).to_string()).unwrap();
    Program::start(
        Command::new("pebble")
            .arg("-strict")
            .arg("-config")
            .arg(file)
            .args(["-dnsserver", &format!("{ip}:8053")])
            .env("PEBBLE_VA_NOSLEEP", "1"),
    )
}

/// What its own server shows itself by.
fn server_certificate(folder: &Path, ip: Ipv4Addr) {
    let mut root = rcgen::CertificateParams::new([]).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_key = rcgen::KeyPair::generate().unwrap();
    let root_certificate = root.self_signed(&root_key).unwrap();
    let issuer = rcgen::Issuer::new(root, root_key);
    let mut server = rcgen::CertificateParams::new([]).unwrap();
    server.subject_alt_names = vec![rcgen::SanType::IpAddress(IpAddr::V4(ip))];
    let server_key = rcgen::KeyPair::generate().unwrap();
    let server = server.signed_by(&server_key, &issuer).unwrap();
    for (name, text) in [
        ("root.pem", root_certificate.pem()),
        ("server.pem", server.pem()),
        ("server.key", server_key.serialize_pem()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

fn unused_address() -> Ipv4Addr {
    let [a, b, c, _] = getrandom::u32().unwrap().to_be_bytes();
    Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254))
}
