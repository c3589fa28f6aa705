//! A program that keeps running: started detached with a log, found again by its process file, stopped for sure.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::{
    identity::{Identity, Process},
    kubectl::Kubectl,
    layout::Layout,
    slot::NO_PROXY,
};
use crate::{digest::Key, http, progress};

/// How long a daemon may take until it is ready; a cold disk and two busy cores need a lot of it.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// How long it may take to stop before it is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at a daemon that starts. Nothing tells when it is ready, so it has to be asked.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What to run, and how to see that it works.
pub(crate) struct Daemon {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Its configuration, written before it starts.
    pub(crate) files: Vec<(PathBuf, String)>,
    pub(crate) network: Network,
    pub(crate) ready: Ready,
}

/// Whose network a daemon sees.
#[derive(Clone)]
pub(crate) enum Network {
    Machine,
    /// A network namespace of this name.
    Of(String),
}

/// The sign that a daemon does its work.
pub(crate) enum Ready {
    Accepts(SocketAddr),
    AcceptsAt(PathBuf),
    Healthy(SocketAddr, &'static str),
    /// The same of a socket in the file system.
    HealthyAt(PathBuf, &'static str),
    ApiServer(Kubectl),
}

/// What a process file holds.
#[derive(Serialize, Deserialize)]
struct Record {
    process: Identity,
    /// A key of program, arguments, and configuration: a changed one is a reason to start it anew.
    fingerprint: String,
}

impl Daemon {
    /// Whether it runs, as it is to run now, and works.
    pub(super) fn is_well(&self, layout: &Layout) -> bool {
        self.running(layout).is_some() && self.ready.holds()
    }

    /// Starts it unless it runs as wanted. Whether it was started.
    pub(super) fn start(&self, layout: &Layout) -> Result<bool> {
        if self.running(layout).is_some() {
            return Ok(false);
        }
        stop(layout, &[self.name])?;
        for (path, text) in &self.files {
            let folder = path.parent().expect("a file lies in a folder");
            fs::create_dir_all(folder)?;
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let log = fs::File::create(layout.log(self.name))?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // `setsid` and `nsenter` replace themselves, so the pid is that of the daemon.
        let child = command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        let process = Identity::of(child.id().cast_signed())
            .with_context(|| format!("{} ended at once{}", self.name, last_words(layout, self.name)))?;
        let record = Record { process, fingerprint: self.fingerprint() };
        fs::write(process_file(layout, self.name), serde_json::to_vec(&record)?)?;
        Ok(true)
    }

    /// Waits until it works, or says why it does not.
    pub(super) fn wait_ready(&self, layout: &Layout) -> Result<()> {
        let begin = Instant::now();
        loop {
            // Wakes up at once when the daemon ends. Looked at before the sign, which a stranger on its port might give.
            let has_ended = self.running(layout).is_none_or(|process| process.wait(LOOK_EVERY));
            if has_ended {
                bail!("{} ended while it was starting{}", self.name, last_words(layout, self.name));
            }
            if self.ready.holds() {
                return Ok(());
            }
            if begin.elapsed() > READY_WITHIN {
                bail!(
                    "{} was not ready within {} s{}",
                    self.name,
                    READY_WITHIN.as_secs(),
                    last_words(layout, self.name)
                );
            }
        }
    }

    fn running(&self, layout: &Layout) -> Option<Process> {
        let record = record(layout, self.name)?;
        (record.fingerprint == self.fingerprint()).then(|| record.process.open()).flatten()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setsid");
        if let Network::Of(name) = &self.network {
            // Not `ip netns exec`: it mounts a new /sys, which hides the control groups.
            command.args(["nsenter", &format!("--net=/run/netns/{name}")]);
        }
        command.arg(&self.program).args(&self.arguments);
        // The surroundings of who calls must not decide which cluster a daemon talks to.
        command.env_remove("KUBECONFIG").env_remove("KUBERNETES_SERVICE_HOST");
        // `HOPS_STATE` means another folder to `hops server` than to these tasks, and beats its configuration.
        command.env_remove("HOPS_STATE").env_remove("HOPS_LISTEN");
        command.env("NO_PROXY", NO_PROXY).env("no_proxy", NO_PROXY);
        // Of the Go programs, which most are. Tests are short of processors, not of memory, so garbage is collected seldom.
        command.env("GOGC", "400");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn fingerprint(&self) -> String {
        let mut key = Key::new().with(self.program.as_os_str().as_encoded_bytes());
        for argument in &self.arguments {
            key = key.with(argument);
        }
        for (name, value) in &self.variables {
            key = key.with(name).with(value);
        }
        for (path, text) in &self.files {
            key = key.with(path.as_os_str().as_encoded_bytes()).with(text);
        }
        key.finish()
    }
}

impl Ready {
    fn holds(&self) -> bool {
        match self {
            Self::Accepts(address) => TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok(),
            Self::AcceptsAt(path) => UnixStream::connect(path).is_ok(),
            Self::Healthy(address, path) => http::is_healthy(*address, path),
            Self::HealthyAt(socket, path) => http::is_healthy_at(socket, path),
            Self::ApiServer(kubectl) => kubectl.succeeds(&["get", "--raw=/readyz"]),
        }
    }
}

/// Whether a daemon of this name runs, in whatever way it was started.
pub(super) fn is_running(layout: &Layout, name: &str) -> bool {
    record(layout, name).is_some_and(|record| record.process.open().is_some())
}

/// The number of a daemon's process, while it runs.
pub(super) fn process(layout: &Layout, name: &str) -> Option<i32> {
    let record = record(layout, name)?;
    record.process.open().map(|_| record.process.pid)
}

/// Ends a daemon as a failure would, without a chance to tidy up.
pub(super) fn kill(layout: &Layout, name: &str) -> Result<()> {
    if let Some(process) = record(layout, name).and_then(|record| record.process.open()) {
        process.signal(Signal::KILL);
        if !process.wait(STOPPED_WITHIN) {
            bail!("{name} cannot be killed; it may hang in the kernel");
        }
    }
    Ok(())
}

/// Stops those of these daemons that run, all at the same time. Asks first, then insists.
pub(super) fn stop(layout: &Layout, names: &[&str]) -> Result<()> {
    let processes: Vec<(&str, Process)> = names
        .iter()
        .filter_map(|name| Some((*name, record(layout, name)?.process.open()?)))
        .inspect(|(_, process)| process.signal(Signal::TERM))
        .collect();
    let deadline = Instant::now() + STOPPED_WITHIN;
    for (name, process) in &processes {
        if !process.wait(deadline.saturating_duration_since(Instant::now())) {
            progress::say(format!("{name} did not stop within {} s and is killed", STOPPED_WITHIN.as_secs()));
            process.signal(Signal::KILL);
            if !process.wait(STOPPED_WITHIN) {
                bail!("{name} cannot be killed; it may hang in the kernel");
            }
        }
    }
    for name in names {
        let _ = fs::remove_file(process_file(layout, name));
    }
    Ok(())
}

fn record(layout: &Layout, name: &str) -> Option<Record> {
    serde_json::from_slice(&fs::read(process_file(layout, name)).ok()?).ok()
}

fn process_file(layout: &Layout, name: &str) -> PathBuf {
    layout.run(&format!("{name}.process"))
}

/// The end of a daemon's log, as the tail of an error message.
fn last_words(layout: &Layout, name: &str) -> String {
    let path = layout.log(name);
    format!("; its log {} ends with:\n{}", path.display(), tail(&path, 15))
}

fn tail(path: &Path, count: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Daemon, Network, PathBuf, Ready, fs, tail};

    fn daemon(argument: &str, file: &str) -> Daemon {
        Daemon {
            name: "test",
            program: PathBuf::from("/bin/true"),
            arguments: vec![argument.to_owned()],
            variables: Vec::new(),
            files: vec![(PathBuf::from("/nowhere/file"), file.to_owned())],
            network: Network::Machine,
            ready: Ready::AcceptsAt(PathBuf::from("/nowhere/socket")),
        }
    }

    #[test]
    fn a_changed_configuration_is_another_daemon() {
        assert_eq!(daemon("-v", "a").fingerprint(), daemon("-v", "a").fingerprint());
        assert_ne!(daemon("-v", "a").fingerprint(), daemon("-v", "b").fingerprint());
        assert_ne!(daemon("-v", "a").fingerprint(), daemon("-q", "a").fingerprint());
    }

    #[test]
    fn the_last_lines_of_a_log_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, 2), "two\nthree");
        assert_eq!(tail(&log, 9), "one\ntwo\nthree");
        assert_eq!(tail(&folder.path().join("none"), 9), "");
    }
}
