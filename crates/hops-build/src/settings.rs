//! What a platform says about building.

use std::time::Duration;

use hops_buildkit::Address;
use hops_model::{AppName, ApplingName};
use thiserror::Error;

/// Who builds, and where images go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where BuildKit listens, `unix:///path` or `tcp://host:port`.
    pub buildkit: String,
    /// The registry, and where in it: `registry.example.org/hops`. An image is called
    /// `{registry}/{app}/{appling}`.
    pub registry: String,
    /// Whether the registry is spoken to without TLS. Said by nothing, it is so for a registry on this machine
    /// (`localhost`, 127.0.0.0/8, `[::1]`).
    pub insecure: Option<bool>,
    /// Images built at once, over all apps.
    pub parallel: usize,
    /// Whether the results of build steps are kept in the registry as well (`{app}/{appling}:cache`), so that a
    /// new builder need not begin anew.
    pub cache: bool,
    /// How often a build is tried again when the builder or the registry is away; with growing pauses, 16 seconds in
    /// all for 6.
    pub retries: usize,
    /// Minutes that one image may take, waiting for its turn not counted.
    pub minutes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            buildkit: "unix:///run/buildkit/buildkitd.sock".to_owned(),
            registry: "127.0.0.1:5000".to_owned(),
            insecure: None,
            parallel: 4,
            cache: true,
            retries: 6,
            minutes: 60,
        }
    }
}

/// Settings that make no sense.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The builder's address.
    #[error("`buildkit` is wrong")]
    Address(#[from] hops_buildkit::InvalidAddress),
    /// The registry.
    #[error("`registry` is `{0}`; write `host[:port][/path]` in lower case, without `https://` and tag")]
    Registry(String),
    /// No build could ever begin.
    #[error("`parallel` is 0; at least 1 is needed")]
    Parallel,
}

/// Settings, checked.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) address: Address,
    pub(crate) registry: String,
    pub(crate) is_insecure: bool,
    pub(crate) parallel: usize,
    pub(crate) cache: bool,
    pub(crate) retries: usize,
    pub(crate) limit: Duration,
}

impl Settings {
    pub(crate) fn check(self) -> Result<Checked, SettingsError> {
        let address = Address::parse(&self.buildkit)?;
        let registry = self.registry.trim_end_matches('/').to_owned();
        let (host, path) = registry.split_once('/').unwrap_or((&registry, ""));
        let host_fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let path_fits =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '/');
        // Without a dot, a port or `localhost` a first part is taken for a path on Docker Hub.
        let is_host = host == "localhost" || host.contains(['.', ':']);
        if !is_host
            || !host.chars().all(host_fits)
            || !path.chars().all(path_fits)
            || format!("/{path}").contains("//")
        {
            return Err(SettingsError::Registry(self.registry));
        }
        if self.parallel == 0 {
            return Err(SettingsError::Parallel);
        }
        let is_insecure = self.insecure.unwrap_or_else(|| is_here(host));
        let Self { parallel, cache, retries, .. } = self;
        let limit = Duration::from_secs(self.minutes.saturating_mul(60));
        Ok(Checked { address, registry, is_insecure, parallel, cache, retries, limit })
    }
}

impl Checked {
    /// Where an appling's images go. Underscores become dashes, as everywhere outside HOPS: a registry allows
    /// them only in some places.
    pub(crate) fn repository(&self, app: &AppName, appling: &ApplingName) -> String {
        format!("{}/{}/{}", self.registry, app.dns(), appling.dns())
    }
}

fn is_here(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_host_and_a_path() {
        let check = |registry: &str| Settings { registry: registry.into(), ..Settings::default() }.check();
        for (registry, insecure) in [
            ("127.0.0.1:5000", true),
            ("[::1]:5000/x", true),
            ("localhost/hops/", true),
            ("registry.example.org/hops", false),
            ("10.0.0.1:5000", false),
        ] {
            let checked = check(registry).unwrap();
            assert_eq!(checked.is_insecure, insecure, "{registry}");
            assert!(!checked.registry.ends_with('/'));
        }
        for registry in
            ["", "hops", "https://r.example.org", "r.example.org/Hops", "r.example.org/a:1", "r.org//a"]
        {
            assert!(matches!(check(registry), Err(SettingsError::Registry(_))), "{registry}");
        }
    }

    #[test]
    fn images_are_named_by_app_and_appling() {
        let settings = Settings::default().check().unwrap();
        let (app, appling) = (AppName::parse("web_shop").unwrap(), ApplingName::parse("api").unwrap());
        assert_eq!(settings.repository(&app, &appling), "127.0.0.1:5000/web-shop/api");
    }
}
