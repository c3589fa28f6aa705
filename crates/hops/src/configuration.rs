//! The server's configuration: one TOML file, every key with a default.
//!
//! `default.toml` is the one description of the keys: it is what `hops server --print-config` prints, and what the
//! keys of a user's file are compared with. The tests hold it and the types below to each other.

mod mistakes;

use std::{
    fs, net,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hops_control::Hosts;
use serde::{Deserialize, Serialize};

use crate::failure::{Blame, Failure};

/// A file with every key, its meaning and its default, all commented out.
pub(crate) const DEFAULT_FILE: &str = include_str!("configuration/default.toml");

/// All that an operator decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Where clients reach the server.
    pub(crate) listen: net::SocketAddr,
    /// Where the database, the bare copies and the first token are kept.
    pub(crate) state_directory: PathBuf,
    /// What is logged.
    pub(crate) log: Log,
    /// Hosts of applings whose files name none.
    pub(crate) hosts: Hosts,
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
    /// BuildKit's address.
    pub(crate) buildkit: String,
    /// The registry, and where in it, that images are pushed to and pulled from.
    pub(crate) registry: String,
    /// Whether the registry is spoken to without TLS; decided by its address where nothing is said.
    pub(crate) insecure: Option<bool>,
    /// Logins for registries, in Docker's file format.
    pub(crate) credentials_file: Option<PathBuf>,
    /// Images built at once, over all apps.
    pub(crate) parallel: usize,
    /// Whether the results of build steps are kept in the registry as well.
    pub(crate) cache: bool,
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
            state_directory: PathBuf::from("/var/lib/hops"),
            log: Log::default(),
            hosts: Hosts::default(),
            cluster: Cluster::default(),
            kubernetes: hops_kubernetes::Settings::default(),
            build: Build::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,kube_client=off".to_owned() }
    }
}

impl Default for Build {
    fn default() -> Self {
        let hops_build::Settings { buildkit, registry, insecure, parallel, cache, retries, minutes } =
            hops_build::Settings::default();
        Self { buildkit, registry, insecure, credentials_file: None, parallel, cache, retries, minutes }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { push_mib: 1024 }
    }
}

impl Build {
    /// What the builder has to know of it.
    pub(crate) fn settings(&self) -> hops_build::Settings {
        let Self { buildkit, registry, insecure, credentials_file: _, parallel, cache, retries, minutes } =
            self.clone();
        hops_build::Settings { buildkit, registry, insecure, parallel, cache, retries, minutes }
    }
}

impl Limits {
    /// The largest push taken.
    pub(crate) fn push_bytes(&self) -> u64 {
        u64::from(self.push_mib) << 20
    }
}

impl Configuration {
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
                .hint("`hops server --print-config` prints every key with its meaning")
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
