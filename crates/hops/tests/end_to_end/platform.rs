//! `hops server` or `hops up` as a process of its own, and the command line that talks to it.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use hops_testkit::{PATIENCE, address};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    app::App,
    engine::{Engine, Site},
};

/// A server with its state, until it is dropped.
pub(crate) struct Platform {
    directory: TempDir,
    address: SocketAddr,
    pub(crate) site: Site,
    server: Child,
    /// The names of those that commands were run for.
    apps: RefCell<BTreeSet<String>>,
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) words: String,
}

impl Platform {
    pub(crate) fn start(engine: Engine) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let site = engine.site();
        let address = address::own_socket().unwrap();
        let configuration = site.configuration(address, &directory.path().join("state"));
        fs::write(directory.path().join("hops.toml"), configuration).unwrap();
        let server = spawn(&directory, &site);
        let mut platform = Self { directory, address, site, server, apps: RefCell::default() };
        platform.wait_until_ready();
        platform
    }

    /// The directory of its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Kills the server as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Waits for the end of the server, which was told to stop.
    pub(crate) fn ended(&mut self) {
        let status = self.server.wait().unwrap();
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// Changes the configuration of the next start.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(String) -> String) {
        let path = self.directory.path().join("hops.toml");
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Has the server read certificates anew.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.server), Signal::HUP).unwrap();
    }

    /// What the server measures.
    pub(crate) fn metrics(&self) -> String {
        let token = fs::read_to_string(self.state().join("token")).unwrap();
        self.ask("/metrics", token.trim()).unwrap()
    }

    /// Starts the server again on the state it had.
    pub(crate) fn start_again(&mut self) {
        self.server = spawn(&self.directory, &self.site);
        self.wait_until_ready();
    }

    /// A command of the command line, in the directory of an app.
    pub(crate) fn hops(&self, app: &App, arguments: &[&str]) -> Command {
        self.apps.borrow_mut().insert(app.name().to_owned());
        let mut command = Command::new(env!("CARGO_BIN_EXE_hops"));
        command
            .args(arguments)
            .current_dir(app.directory())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("HOPS_CONFIG", self.directory.path().join("hops.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // `hops up` has logged its user in.
        if let Site::Kubernetes = self.site {
            command
                .env("HOPS_SERVER", format!("http://{}", self.address))
                .env("HOPS_TOKEN_FILE", self.state().join("token"));
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, app: &App, arguments: &[&str]) -> Said {
        Said::of(self.hops(app, arguments).output().unwrap())
    }

    /// Runs a command that has to succeed.
    pub(crate) fn succeed(&self, app: &App, arguments: &[&str]) -> Said {
        let said = self.run(app, arguments);
        assert_eq!(said.code, Some(0), "hops {arguments:?}\n{}\n{}\n{}", said.out, said.words, self.log());
        said
    }

    /// What the server said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Asks until the server answers: a process that starts tells nobody.
    fn wait_until_ready(&mut self) {
        let begin = Instant::now();
        while !self.is_healthy() {
            let ended = self.server.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", self.log());
            assert!(begin.elapsed() < PATIENCE, "the server does not start\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_healthy(&self) -> bool {
        self.ask("/healthz", "").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
    }

    fn ask(&self, path: &str, token: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        if let Site::Docker { .. } = self.site {
            // One in the background is no child of this process.
            let mut down = Command::new(env!("CARGO_BIN_EXE_hops"));
            let configuration = self.directory.path().join("hops.toml");
            down.arg("down").env_clear().env("HOME", self.directory.path()).env("HOPS_CONFIG", configuration);
            let _ = down.output();
        }
        self.site.clean(&self.apps.take());
    }
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), words: text(output.stderr) }
    }

    /// The document on stdout.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}", self.out))
    }

    /// The outcome, which is the last event of a stream.
    pub(crate) fn outcome(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_else(|| panic!("no event\n{}", self.words));
        let event: Value = serde_json::from_str(last).unwrap();
        assert_eq!(event["event"], "outcome", "{}", self.out);
        event
    }
}

fn spawn(directory: &TempDir, site: &Site) -> Child {
    let log = File::options().create(true).append(true).open(directory.path().join("log")).unwrap();
    let configuration: PathBuf = directory.path().join("hops.toml");
    let kubeconfig = std::env::var_os("KUBECONFIG").unwrap_or_default();
    Command::new(env!("CARGO_BIN_EXE_hops"))
        .args([site.command(), "--config"])
        .arg(configuration)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", directory.path())
        .env("KUBECONFIG", kubeconfig)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
