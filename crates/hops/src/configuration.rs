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
    /// How much at once.
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
}

/// How much at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Deploys that are done at the same time.
    pub(crate) deploys: u16,
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
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

impl Default for Build {
    fn default() -> Self {
        Self {
            buildkit: "unix:///run/buildkit/buildkitd.sock".to_owned(),
            registry: "127.0.0.1:5000".to_owned(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { deploys: 4 }
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
        let shown = serde_json::to_value(mistakes::parse(&everything_set()).unwrap()).unwrap();
        let default = serde_json::to_value(Configuration::default()).unwrap();
        compare("", &shown, &default);
    }

    fn compare(path: &str, shown: &Value, default: &Value) {
        match (shown, default) {
            (Value::Object(shown), Value::Object(default)) => {
                for (key, value) in shown {
                    compare(&format!("{path}.{key}"), value, default.get(key).unwrap_or(&Value::Null));
                }
            }
            // Serialized as null, a key is one that the file does not mention.
            (Value::Null, _) => panic!("default.toml does not mention {path}"),
            // What has no default is shown by an example; so are lists and tables that are empty by default.
            (_, Value::Null) => {}
            (Value::Array(_), Value::Array(default)) if default.is_empty() => {}
            _ => assert_eq!(shown, default, "{path}"),
        }
    }
}
