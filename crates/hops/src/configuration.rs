//! The server's configuration: one TOML file, every key with a default.
//!
//! `default.toml` is the one description of the keys: it is what `--print-config` prints, and what the
//! keys of a user's file are compared with. The tests hold it and the types below to each other.

mod mistakes;

use std::{
    env, fs, net,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hops_control::Hosts;
use hops_model::HostName;
use serde::{Deserialize, Serialize};

use crate::{
    args::{ConfigurationArgs, ListenArgs},
    failure::{Blame, Failure},
};

/// A file with every key, its meaning and its default, all commented out.
pub(crate) const DEFAULT_FILE: &str = include_str!("configuration/default.toml");

/// All that an operator decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Where clients reach the server.
    pub(crate) listen: net::SocketAddr,
    /// Where all state is kept; see [`Configuration::state_directory`] for what holds without it.
    state_directory: Option<PathBuf>,
    /// What is logged.
    pub(crate) log: Log,
    /// Hosts of applings whose files name none.
    pub(crate) hosts: Hosts,
    /// Where apps of one machine are called.
    pub(crate) ports: Ports,
    /// How Docker is used.
    pub(crate) docker: hops_docker::Settings,
    /// The proxy before the apps of one machine.
    pub(crate) proxy: hops_proxy::Settings,
    /// Where certificates of hosts come from.
    pub(crate) certificates: hops_certificates::Settings,
    /// Which cluster.
    pub(crate) cluster: Cluster,
    /// How the cluster is used.
    pub(crate) kubernetes: hops_kubernetes::Settings,
    /// Who builds, and where images go.
    pub(crate) build: Build,
    /// How much is taken.
    pub(crate) limits: Limits,
}

/// What is logged, on stderr.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// The form of a line.
    pub(crate) format: LogFormat,
    /// Which lines, in the language of `tracing_subscriber::EnvFilter`.
    pub(crate) filter: String,
    /// Whether the proxy logs every request.
    pub(crate) access: bool,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Where apps of one machine are called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ports {
    /// Plain HTTP.
    pub(crate) http: Option<net::SocketAddr>,
    /// HTTP with TLS.
    pub(crate) https: Option<net::SocketAddr>,
    /// The host that leads to the server itself.
    pub(crate) server_host: Option<HostName>,
}

/// Which cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cluster {
    /// The kubeconfig; that of the environment where there is none.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one where there is none.
    pub(crate) context: Option<String>,
}

/// Who builds, and where images go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Build {
    /// BuildKit's address; what it is without one depends on where apps run.
    pub(crate) buildkit: Option<String>,
    /// The registry, and where in it, that images are pushed to and pulled from; not with a Docker engine's builder.
    pub(crate) registry: Option<String>,
    /// Whether the registry is spoken to without TLS; decided by its address where nothing is said.
    pub(crate) insecure: Option<bool>,
    /// Logins for registries, in Docker's file format.
    pub(crate) credentials_file: Option<PathBuf>,
    /// Images built at once, over all apps.
    pub(crate) parallel: usize,
    /// Whether the results of build steps are kept in the registry as well.
    pub(crate) cache: bool,
    /// GiB of build cache that a Docker engine may keep; 0 for as much as it likes.
    pub(crate) cache_keep_gib: u32,
    /// How often a build is tried again when the builder or the registry is away.
    pub(crate) retries: usize,
    /// Minutes that one image may take.
    pub(crate) minutes: u64,
}

/// How much is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// The largest push taken, in MiB.
    pub(crate) push_mib: u32,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            listen: net::SocketAddr::from((net::Ipv4Addr::LOCALHOST, 7070)),
            state_directory: None,
            log: Log::default(),
            hosts: Hosts::default(),
            ports: Ports::default(),
            docker: hops_docker::Settings::default(),
            proxy: hops_proxy::Settings::default(),
            certificates: hops_certificates::Settings::default(),
            cluster: Cluster::default(),
            kubernetes: hops_kubernetes::Settings::default(),
            build: Build::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,kube_client=off".to_owned(), access: false }
    }
}

impl Default for Build {
    fn default() -> Self {
        let hops_build::Settings {
            buildkit: _,
            registry,
            insecure,
            parallel,
            cache,
            cache_keep_gib,
            retries,
            minutes,
        } = hops_build::Settings::default();
        Self {
            buildkit: None,
            registry,
            insecure,
            credentials_file: None,
            parallel,
            cache,
            cache_keep_gib,
            retries,
            minutes,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { push_mib: 1024 }
    }
}

impl Build {
    /// What the builder has to know of it, where `buildkit` is its address if none is configured.
    pub(crate) fn settings(&self, buildkit: &str) -> hops_build::Settings {
        let Self {
            buildkit: own,
            registry,
            insecure,
            credentials_file: _,
            parallel,
            cache,
            cache_keep_gib,
            retries,
            minutes,
        } = self.clone();
        let buildkit = own.unwrap_or_else(|| buildkit.to_owned());
        hops_build::Settings {
            buildkit,
            registry,
            insecure,
            parallel,
            cache,
            cache_keep_gib,
            retries,
            minutes,
        }
    }
}

impl Limits {
    /// The largest push taken.
    pub(crate) fn push_bytes(&self) -> u64 {
        u64::from(self.push_mib) << 20
    }
}

impl Configuration {
    /// The configuration that arguments name, with what they say of the state.
    pub(crate) fn of(arguments: &ConfigurationArgs) -> Result<Self, Failure> {
        let mut configuration = Self::load(arguments.config.as_deref())?;
        if let Some(state) = &arguments.state {
            configuration.state_directory = Some(state.clone());
        }
        Ok(configuration)
    }

    /// The same configuration with the address that arguments name.
    pub(crate) fn listening(mut self, arguments: &ListenArgs) -> Self {
        self.listen = arguments.listen.unwrap_or(self.listen);
        self
    }

    /// Where all state is kept: where the file or an argument says; else `/var/lib/hops` for root, and for others
    /// `$XDG_STATE_HOME/hops` (XDG Base Directory Specification).
    pub(crate) fn state_directory(&self) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.state_directory {
            return Ok(directory.clone());
        }
        if rustix::process::geteuid().is_root() {
            return Ok(PathBuf::from("/var/lib/hops"));
        }
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        let folder = folder.ok_or_else(|| {
            Failure::users_fault("there is no home directory to keep the state in")
                .hint("set HOME, or name a directory by `--state DIR` or `state_directory` in the file")
        })?;
        Ok(folder.join("hops"))
    }

    /// Reads a file; without one every setting has its default.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration in `{}`", path.display()))
            .users()?;
        mistakes::parse(&text).map_err(|mistakes| {
            let places: Vec<String> =
                mistakes.iter().map(|mistake| format!("{}:{mistake}", path.display())).collect();
            Failure::users_fault(format!("the configuration cannot be used\n{}", places.join("\n")))
                .hint("`hops up --print-config` prints every key with its meaning")
        })
    }
}

/// The default file with every setting put into effect: `#key = …`, but not `# prose`.
fn everything_set() -> String {
    let lines = DEFAULT_FILE.lines().map(|line| {
        let setting = line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
        setting.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_default_file_as_printed_changes_nothing() {
        assert_eq!(mistakes::parse(DEFAULT_FILE).unwrap(), Configuration::default());
    }

    #[test]
    fn the_default_file_shows_every_key_with_its_default() {
        let text = everything_set();
        let written = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
        let read = serde_json::to_value(mistakes::parse(&text).unwrap()).unwrap();
        let default = serde_json::to_value(Configuration::default()).unwrap();
        compare("", &written, &read, &default);
    }

    fn compare(path: &str, written: &Value, read: &Value, default: &Value) {
        match (read, default) {
            (Value::Object(read), Value::Object(default)) => {
                for (key, value) in read {
                    let path = format!("{path}.{key}");
                    let written =
                        written.get(key).unwrap_or_else(|| panic!("default.toml does not mention {path}"));
                    compare(&path, written, value, default.get(key).unwrap_or(&Value::Null));
                }
            }
            // What has no default is shown by an example; so are lists and tables that are empty by default.
            (_, Value::Null) => {}
            (Value::Array(_), Value::Array(default)) if default.is_empty() => {}
            _ => assert_eq!(read, default, "{path}"),
        }
    }
}
