//! `hops server` as a process of its own, and the command line that talks to it.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use hops_testkit::Daemons;
use serde_json::Value;
use tempfile::TempDir;

use crate::app::App;

/// A server with its state, until it is dropped.
pub(crate) struct Platform {
    directory: TempDir,
    address: SocketAddr,
    server: Child,
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) words: String,
}

impl Platform {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (daemons, ingress) = (Daemons::get().unwrap(), Daemons::ingress().unwrap());
        // Free at this moment; the server takes it in the next one.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let configuration = format!(
            "listen = \"{address}\"\n\
             state_directory = \"{}\"\n\
             [build]\n\
             buildkit = \"{}\"\n\
             registry = \"{}\"\n\
             [kubernetes]\n\
             public_scheme = \"http\"\n\
             public_port = {}\n\
             ingress_address = \"{}\"\n\
             progress_deadline_s = 20\n",
            directory.path().join("state").display(),
            daemons.buildkit,
            daemons.registry,
            ingress.port(),
            ingress,
        );
        fs::write(directory.path().join("hops.toml"), configuration).unwrap();
        let server = spawn(&directory);
        let platform = Self { directory, address, server };
        platform.wait_until_ready();
        platform
    }

    /// Kills the server as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts the server again on the state it had.
    pub(crate) fn start_again(&mut self) {
        self.server = spawn(&self.directory);
        self.wait_until_ready();
    }

    /// A command of the command line, in the directory of an app.
    pub(crate) fn hops(&self, app: &App, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hops"));
        command
            .args(arguments)
            .current_dir(app.directory())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("HOPS_SERVER", format!("http://{}", self.address))
            .env("HOPS_TOKEN_FILE", self.directory.path().join("state/token"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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

    fn wait_until_ready(&self) {
        let begin = Instant::now();
        // A process that starts tells nobody when it listens; asking is the only way to know.
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server does not start\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
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

fn spawn(directory: &TempDir) -> Child {
    let log = File::options().create(true).append(true).open(directory.path().join("log")).unwrap();
    let configuration: PathBuf = directory.path().join("hops.toml");
    let kubeconfig = std::env::var_os("KUBECONFIG").unwrap_or_default();
    Command::new(env!("CARGO_BIN_EXE_hops"))
        .args(["server", "--config"])
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
