//! `hops up`: HOPS on this machine, run from a folder, and the command line that talks to it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::program;

/// HOPS, whether it runs or not.
pub(crate) struct Hops {
    program: PathBuf,
    folder: PathBuf,
    /// Variables beside the user's own.
    variables: Vec<(&'static str, String)>,
}

/// Of what `hops up --detach --format json` says.
#[derive(Deserialize)]
pub(crate) struct Summary {
    /// Such as `http://{name}.{environment}.localhost:8080`.
    apps: String,
    /// Where the command line talks to it.
    pub(crate) server: String,
    /// What is to be known, each a sentence.
    pub(crate) notes: Vec<String>,
    /// What to do next, each a sentence.
    pub(crate) next: Vec<String>,
}

/// What would lead HOPS elsewhere: `HOPS_STATE` means another folder to it than to these tasks.
const FOREIGN: [&str; 6] =
    ["HOPS_STATE", "HOPS_CONFIG", "HOPS_LISTEN", "HOPS_SERVER", "HOPS_TOKEN", "HOPS_TOKEN_FILE"];

impl Hops {
    /// A binary, and the folder that it keeps everything in.
    pub(crate) fn new(program: PathBuf, folder: &Path) -> Self {
        Self { program, folder: folder.to_owned(), variables: Vec::new() }
    }

    /// One that does not touch the user's own login, and uses no other engine than its configuration's.
    pub(crate) fn apart(self) -> Self {
        let home = self.folder.join("home").display().to_string();
        let none = ["DOCKER_HOST", "HOPS_DOCKER"].map(|name| (name, String::new()));
        Self { variables: [("XDG_CONFIG_HOME", home)].into_iter().chain(none).collect(), ..self }
    }

    /// The binary.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Whether there is anything to stop.
    pub(crate) fn has_state(&self) -> bool {
        self.state().exists()
    }

    /// Starts it in the background with a configuration, unless it runs.
    pub(crate) fn up(&self, configuration: &str) -> Result<Summary> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.configuration(), configuration)?;
        let words = program::output(&mut self.command("up", &["--detach", "--format=json"]))?;
        serde_json::from_str(&words).context("`hops up` says what this task does not understand")
    }

    /// Stops it with all its apps.
    pub(crate) fn down(&self) -> Result<()> {
        program::output(&mut self.command("down", &["--apps", "--yes"])).map(drop)
    }

    /// The command line, talking to a server.
    pub(crate) fn client(&self, server: &str, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command.env("HOPS_SERVER", server).args(arguments);
        command
    }

    /// A command about the platform on this machine.
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command.arg(name).arg("--state").arg(self.state()).arg("--config").arg(self.configuration());
        command.args(arguments);
        command
    }

    fn bare(&self) -> Command {
        let mut command = Command::new(&self.program);
        for name in FOREIGN {
            command.env_remove(name);
        }
        for (name, value) in &self.variables {
            match value.as_str() {
                "" => command.env_remove(name),
                value => command.env(name, value),
            };
        }
        command
    }

    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("hops.toml")
    }
}

impl Summary {
    /// The host of an app in an environment, and where to ask for it.
    pub(crate) fn host(&self, name: &str, environment: &str) -> Result<(String, SocketAddr)> {
        let pattern = &self.apps;
        let Some(rest) = pattern.strip_prefix("http://") else {
            bail!("apps are called {pattern}; this task asks in the clear")
        };
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "80"));
        let port = port.parse().with_context(|| format!("no port in {pattern}"))?;
        let host = host.replace("{name}", name).replace("{environment}", environment);
        Ok((host, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    fn host(apps: &str) -> anyhow::Result<(String, std::net::SocketAddr)> {
        let (server, notes, next) = (String::new(), Vec::new(), Vec::new());
        Summary { apps: apps.to_owned(), server, notes, next }.host("web.shop", "test")
    }

    #[test]
    fn an_app_is_found_by_the_pattern_of_hosts() {
        let check = |pattern: &str, expected: &str, address: &str| {
            assert_eq!(host(pattern).unwrap(), (expected.to_owned(), address.parse().unwrap()));
        };
        check("http://{name}.{environment}.localhost", "web.shop.test.localhost", "127.0.0.1:80");
        check("http://{name}.{environment}.localhost:8080", "web.shop.test.localhost", "127.0.0.1:8080");
        assert!(host("https://{name}.example.com").is_err());
    }
}
