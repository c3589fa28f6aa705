//! The proxies, and the backend behind all of them.

mod settings;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::load::{Body, HOST};
use crate::{paths, program, progress};

/// An address of this machine that nothing else listens on.
const IP: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 1);
const BACKEND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(IP), 18_080);
/// Longer than any of them takes to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Programs that Debian does not have.
pub(super) struct Programs {
    pub(super) hops: PathBuf,
    pub(super) traefik: PathBuf,
}

/// Who is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hops,
    Nginx,
    Traefik,
}

/// A proxy that runs.
pub(super) struct Contender {
    kind: Kind,
    folder: PathBuf,
    running: Running,
}

/// An nginx that answers from memory and from one file.
pub(super) struct Backend {
    address: SocketAddr,
    _running: Running,
}

/// A program that is stopped in the end.
struct Running {
    child: Child,
}

/// What a proxy is to do.
struct Wanted<'a> {
    http: SocketAddr,
    https: SocketAddr,
    folder: &'a Path,
    certificate: &'a Path,
    key: &'a Path,
    /// Whether every request is written down.
    logs: bool,
}

/// The proxy as it is released, in the smallest program around it.
pub(super) fn build_hops() -> Result<PathBuf> {
    progress::step("building the proxy as it is released", || {
        let mut cargo =
            program::command(["cargo", "build", "--release", "--package=hops-proxy", "--example=proxy"]);
        cargo.arg("--message-format=json-render-diagnostics").current_dir(paths::checkout());
        let messages = program::output(&mut cargo)?;
        let mut executables = messages.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message.get("executable")?.as_str().map(Into::into)
        });
        executables.next_back().context("cargo names no executable of the example `proxy`")
    })
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Hops, Self::Nginx, Self::Traefik];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hops => "HOPS",
            Self::Nginx => "nginx",
            Self::Traefik => "Traefik",
        }
    }

    fn ports(self) -> (u16, u16) {
        match self {
            Self::Hops => (18_081, 18_441),
            Self::Nginx => (18_082, 18_442),
            Self::Traefik => (18_083, 18_443),
        }
    }

    fn command(self, programs: &Programs, wanted: &Wanted<'_>) -> Result<Command> {
        match self {
            Self::Hops => Ok(settings::hops(&programs.hops, wanted)),
            Self::Nginx => settings::nginx(wanted),
            Self::Traefik => settings::traefik(&programs.traefik, wanted),
        }
    }
}

impl Contender {
    pub(super) fn start(
        kind: Kind,
        programs: &Programs,
        folder: &Path,
        _backend: &Backend,
        logs: bool,
    ) -> Result<Self> {
        let (certificate, key) = certificate(folder)?;
        let folder = folder.join(kind.name());
        fs::create_dir_all(&folder)?;
        let (http, https) = kind.ports();
        let [http, https] = [http, https].map(|port| SocketAddr::from((IP, port)));
        let wanted = Wanted { http, https, folder: &folder, certificate: &certificate, key: &key, logs };
        let mut running = Running::start(&mut kind.command(programs, &wanted)?, &folder)?;
        running.is_listening(http, &folder)?;
        running.is_listening(https, &folder)?;
        Ok(Self { kind, folder, running })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn process(&self) -> u32 {
        self.running.child.id()
    }

    pub(super) fn http(&self) -> SocketAddr {
        SocketAddr::from((IP, self.kind.ports().0))
    }

    pub(super) fn https(&self) -> SocketAddr {
        SocketAddr::from((IP, self.kind.ports().1))
    }
}

impl Backend {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let folder = folder.join("backend");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(Body::Large.path().trim_start_matches('/')), vec![b'x'; 1 << 20])?;
        let mut running = Running::start(&mut settings::backend(&folder)?, &folder)?;
        running.is_listening(BACKEND, &folder)?;
        Ok(Self { address: BACKEND, _running: running })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Running {
    fn start(command: &mut Command, folder: &Path) -> Result<Self> {
        let log = || fs::File::create(folder.join("output.log"));
        let child = command
            // The example of hops-proxy stops when this ends.
            .stdin(Stdio::piped())
            .stdout(log()?)
            .stderr(fs::File::options().append(true).open(folder.join("output.log"))?)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child })
    }

    fn is_listening(&mut self, address: SocketAddr, folder: &Path) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > end {
                let said = fs::read_to_string(folder.join("output.log")).unwrap_or_default();
                bail!("nothing listens on {address}: {}", said.trim());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not by SIGKILL: nginx would leave its workers behind.
        if let Some(process) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(process, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// One for the host, made when it is not there yet.
fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if !certificate.exists() {
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=bench", "-addext", &format!("subjectAltName=DNS:{HOST}")])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate);
        program::output(&mut openssl)?;
    }
    Ok((certificate, key))
}
