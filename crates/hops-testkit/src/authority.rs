//! A certificate authority (pebble) and its view of the DNS, on an address of their own. Needs the Debian package
//! `pebble`.

mod program;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use self::program::Program;
use crate::address;

/// A certificate authority that ends with the test.
///
/// It looks for hosts at its own address: by HTTP at [`Authority::http`], by TLS at [`Authority::https`].
pub struct Authority {
    folder: TempDir,
    ip: Ipv4Addr,
    options: Options,
    pebble: Program,
    _dns: Program,
}

/// What of it differs from test to test.
#[derive(Clone, Default)]
pub struct Options {
    /// Seconds that a certificate is valid.
    pub validity: Option<u64>,
    /// Whether accounts have to be known beforehand: their name and secret.
    pub external: Option<(&'static str, &'static str)>,
}

impl Authority {
    /// Starts one.
    pub async fn start(options: Options) -> Result<Self> {
        let folder = TempDir::new()?;
        let ip = address::own()?;
        server_certificate(folder.path(), ip)?;
        let dns = Program::start(
            Command::new("pebble-challtestsrv")
                .args(["-dns01", &format!("{ip}:8053"), "-management", &format!("{ip}:8055")])
                .args(["-defaultIPv4", &ip.to_string(), "-defaultIPv6", ""])
                .args(["-http01", "", "-https01", "", "-tlsalpn01", ""]),
        )?;
        dns.listens(SocketAddr::from((ip, 8053))).await?;
        let pebble = pebble(folder.path(), ip, &options)?;
        pebble.listens(SocketAddr::from((ip, 14000))).await?;
        Ok(Self { folder, ip, options, pebble, _dns: dns })
    }

    /// It forgets everything, as it does whenever it is started.
    pub async fn lose_its_state(&mut self) -> Result<()> {
        self.stop();
        self.pebble = pebble(self.folder.path(), self.ip, &self.options)?;
        self.pebble.listens(SocketAddr::from((self.ip, 14000))).await
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.pebble.stop();
    }

    /// Where this host is, as it sees it; elsewhere than at its own address.
    pub async fn resolve(&self, host: &str, address: Ipv4Addr) -> Result<()> {
        // To add one to those that there are is all it offers.
        for path in ["clear-a", "add-a"] {
            let body = json!({ "host": format!("{host}."), "addresses": [address] });
            let url = format!("http://{}:8055/{path}", self.ip);
            let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await?;
            ensure!(answer.status().is_success(), "{path} of {host}: {}", answer.status());
        }
        Ok(())
    }

    /// The certificate that all of its certificates rest on, as PEM.
    pub async fn root(&self) -> Result<Vec<u8>> {
        let own = reqwest::Certificate::from_pem(&std::fs::read(self.own_root())?)?;
        let client = reqwest::Client::builder().tls_certs_only([own]).build()?;
        let root = client.get(format!("https://{}:15000/roots/0", self.ip)).send().await?;
        Ok(root.bytes().await?.to_vec())
    }

    /// The file with the certificate that its own server is trusted by.
    pub fn own_root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// A folder for the test's own files, which ends with the authority.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of its ACME directory.
    pub fn directory(&self) -> String {
        format!("https://{}:14000/dir", self.ip)
    }

    /// Its address, which is also that of every host, unless told otherwise.
    pub fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    /// Where it looks for hosts by HTTP.
    pub fn http(&self) -> SocketAddr {
        SocketAddr::from((self.ip, 5002))
    }

    /// Where it looks for hosts by TLS.
    pub fn https(&self) -> SocketAddr {
        SocketAddr::from((self.ip, 5001))
    }

    /// How many orders it has taken.
    pub fn orders(&self) -> usize {
        self.pebble.lines("Added order ")
    }

    /// How many accounts it has made.
    pub fn accounts(&self) -> usize {
        self.pebble.lines(" accounts in memory")
    }
}

fn pebble(folder: &Path, ip: Ipv4Addr, options: &Options) -> Result<Program> {
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
    std::fs::write(&file, json!({ "pebble": configuration }).to_string())?;
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
fn server_certificate(folder: &Path, ip: Ipv4Addr) -> Result<()> {
    let mut root = rcgen::CertificateParams::new([])?;
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_key = rcgen::KeyPair::generate()?;
    let root_certificate = root.self_signed(&root_key)?;
    let issuer = rcgen::Issuer::new(root, root_key);
    let mut server = rcgen::CertificateParams::new([])?;
    server.subject_alt_names = vec![rcgen::SanType::IpAddress(IpAddr::V4(ip))];
    let server_key = rcgen::KeyPair::generate()?;
    let server = server.signed_by(&server_key, &issuer)?;
    for (name, text) in [
        ("root.pem", root_certificate.pem()),
        ("server.pem", server.pem()),
        ("server.key", server_key.serialize_pem()),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
