//! The host that an appling is reached at when the file names none.

use std::collections::BTreeMap;

use hops_model::{App, Appling, Cause, CauseCode, Environment, HostName, Layout};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Patterns of default hosts, by environment.
///
/// In a pattern `{name}` stands for `{app}`, or `{appling}.{app}` where the file lists applings, and `{environment}`
/// for the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hosts {
    /// For every environment without a pattern of its own. `{name}.{environment}.localhost` where nothing is set,
    /// which browsers resolve to this machine (RFC 6761).
    pub default: HostPattern,
    /// For single environments, such as `prod = "{name}.app.example.com"`.
    pub environments: BTreeMap<Environment, HostPattern>,
}

/// A host with `{name}` and `{environment}` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(String);

/// A text that is not a pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HostPatternError {
    /// Without the name all apps would share a host.
    #[error("`{0}` has to contain `{{name}}`, or all apps would get the same host")]
    WithoutName(String),
    /// With the placeholders filled in it is no host.
    #[error("`{0}` does not make a host name")]
    NotAHost(String, #[source] hops_model::host::HostError),
}

/// An app whose names make no host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the pattern `{pattern}` makes no host name of {name}")]
pub struct NoHost {
    pattern: String,
    name: String,
    #[source]
    source: hops_model::host::HostError,
}

impl From<&NoHost> for Cause {
    fn from(error: &NoHost) -> Self {
        let help = "choose a shorter name, or let the platform's operators change the pattern";
        Self::new(CauseCode::ManifestInvalid, error.to_string(), help).with_proof(error.source.to_string())
    }
}

impl Default for Hosts {
    fn default() -> Self {
        let pattern = HostPattern("{name}.{environment}.localhost".to_owned());
        Self { default: pattern, environments: BTreeMap::new() }
    }
}

impl Hosts {
    /// The default host of an appling.
    pub fn of(&self, app: &App, appling: &Appling, environment: Environment) -> Result<HostName, NoHost> {
        let pattern = self.environments.get(&environment).unwrap_or(&self.default);
        let name = match app.layout {
            Layout::Root => app.name.dns(),
            Layout::Listed => format!("{}.{}", appling.name.dns(), app.name.dns()),
        };
        let host = pattern.fill(&name, environment);
        HostName::parse(&host).map_err(|source| NoHost { pattern: pattern.0.clone(), name, source })
    }
}

impl HostPattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        if !text.contains("{name}") {
            return Err(HostPatternError::WithoutName(text.to_owned()));
        }
        let pattern = Self(text.to_owned());
        match HostName::parse(&pattern.fill("appling.app", Environment::Prod)) {
            Ok(_) => Ok(pattern),
            Err(source) => Err(HostPatternError::NotAHost(text.to_owned(), source)),
        }
    }

    fn fill(&self, name: &str, environment: Environment) -> String {
        self.0.replace("{name}", name).replace("{environment}", environment.as_str())
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_needs_the_name_and_has_to_make_a_host() {
        assert!(HostPattern::parse("{name}.app.example.com").is_ok());
        assert!(matches!(HostPattern::parse("app.example.com"), Err(HostPatternError::WithoutName(_))));
        assert!(matches!(HostPattern::parse("{name}/{environment}"), Err(HostPatternError::NotAHost(..))));
    }
}
