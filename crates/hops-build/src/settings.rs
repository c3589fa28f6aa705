//! What a platform says about building.

use std::time::Duration;

use hops_buildkit::Address;
use hops_model::{AppName, ApplingName, ImageRef};
use thiserror::Error;

/// The registry where none is named.
const REGISTRY: &str = "127.0.0.1:5000";

/// Who builds, and where images go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where BuildKit listens, `unix:///path` or `tcp://host:port`; or the socket of a Docker engine, `docker:///path`,
    /// which has one inside and keeps the images itself.
    pub buildkit: String,
    /// The registry, and where in it: `registry.example.org/hops`; without one, that of this machine at
    /// `127.0.0.1:5000`. An image is called `{registry}/{app}/{appling}`. Not with a Docker engine, where it is called
    /// `hops.local/{app}/{appling}`, or what the engine says instead.
    pub registry: Option<String>,
    /// Whether the registry is spoken to without TLS. Said by nothing, it is so for a registry on this machine
    /// (`localhost`, 127.0.0.0/8, `[::1]`).
    pub insecure: Option<bool>,
    /// Images built at once, over all apps.
    pub parallel: usize,
    /// Whether the results of build steps are kept in the registry as well (`{app}/{appling}:cache`), so that a
    /// new builder need not begin anew. Where there is a registry.
    pub cache: bool,
    /// GiB of build cache that a Docker engine may keep, apart from what is part of its images; 0 for as much as it
    /// likes. Old ones never forget any by themselves. A BuildKit of its own has its own rules.
    pub cache_keep_gib: u32,
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
            registry: None,
            insecure: None,
            parallel: 4,
            cache: true,
            cache_keep_gib: 10,
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
    /// Both, where only one can be.
    #[error(
        "`registry` is `{0}`, but `buildkit` names a Docker engine, which keeps images itself; leave out one of them"
    )]
    EngineWithRegistry(String),
    /// Images are wanted where they can be pulled from.
    #[error(
        "`buildkit` names a Docker engine, which keeps images itself; name a BuildKit that pushes to a registry"
    )]
    Engine,
    /// Images are wanted in the engine.
    #[error("`buildkit` names no Docker engine; write `docker:///path/to/docker.sock`")]
    NoEngine,
    /// No build could ever begin.
    #[error("`parallel` is 0; at least 1 is needed")]
    Parallel,
}

/// Settings, checked.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) address: Address,
    pub(crate) place: Place,
    pub(crate) parallel: usize,
    /// Bytes; never 0.
    pub(crate) cache_keep: Option<u64>,
    pub(crate) retries: usize,
    pub(crate) limit: Duration,
}

/// Where images are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a registry.
    Registry {
        /// What an image's repository begins with.
        registry: String,
        is_insecure: bool,
        /// Whether the cache goes there as well.
        cache: bool,
    },
    /// In the Docker engine that builds them.
    Engine {
        /// What an image's repository begins with.
        repositories: String,
    },
}

impl Settings {
    /// Whether images are kept by a Docker engine, which builds them: [`BuildKitBuilder::in_engine`] is for these settings, and
    /// [`BuildKitBuilder::new`] for all others.
    ///
    /// [`BuildKitBuilder::in_engine`]: crate::BuildKitBuilder::in_engine
    /// [`BuildKitBuilder::new`]: crate::BuildKitBuilder::new
    pub fn is_in_engine(&self) -> bool {
        matches!(Address::parse(&self.buildkit), Ok(Address::Docker(_)))
    }

    pub(crate) fn check(self) -> Result<Checked, SettingsError> {
        let address = Address::parse(&self.buildkit)?;
        let place = match (&address, self.registry) {
            (Address::Docker(_), None) => Place::Engine { repositories: ImageRef::LOCAL.to_owned() },
            (Address::Docker(_), Some(registry)) => return Err(SettingsError::EngineWithRegistry(registry)),
            (Address::Unix(_) | Address::Tcp { .. }, registry) => {
                let registry = checked(registry.as_deref().unwrap_or(REGISTRY))?;
                let is_insecure = self.insecure.unwrap_or_else(|| is_here(host(&registry)));
                Place::Registry { registry, is_insecure, cache: self.cache }
            }
        };
        if self.parallel == 0 {
            return Err(SettingsError::Parallel);
        }
        let cache_keep = Some(u64::from(self.cache_keep_gib) << 30).filter(|keep| *keep > 0);
        let limit = Duration::from_secs(self.minutes.saturating_mul(60));
        Ok(Checked { address, place, parallel: self.parallel, cache_keep, retries: self.retries, limit })
    }
}

impl Checked {
    /// Where an appling's images go. Underscores become dashes, as everywhere outside HOPS: a registry allows
    /// them only in some places.
    pub(crate) fn repository(&self, app: &AppName, appling: &ApplingName) -> String {
        let (app, appling) = (app.dns(), appling.dns());
        match &self.place {
            Place::Registry { registry, .. } => format!("{registry}/{app}/{appling}"),
            Place::Engine { repositories } => format!("{repositories}{app}/{appling}"),
        }
    }
}

/// A registry and a path in it, without a slash at its end.
fn checked(text: &str) -> Result<String, SettingsError> {
    let registry = text.trim_end_matches('/');
    let (host, path) = registry.split_once('/').unwrap_or((registry, ""));
    let host_fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let path_fits =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '/');
    // Without a dot, a port or `localhost` a first part is taken for a path on Docker Hub.
    let is_host = host == "localhost" || host.contains(['.', ':']);
    // What begins like this is looked for in the engine, never in a registry.
    let is_local = format!("{registry}/").starts_with(ImageRef::LOCAL);
    let fits = is_host && host.chars().all(host_fits) && path.chars().all(path_fits);
    if !fits || is_local || format!("/{path}").contains("//") {
        return Err(SettingsError::Registry(text.to_owned()));
    }
    Ok(registry.to_owned())
}

fn host(registry: &str) -> &str {
    registry.split('/').next().unwrap_or(registry)
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
        let check =
            |registry: &str| Settings { registry: Some(registry.into()), ..Settings::default() }.check();
        for (registry, insecure) in [
            ("127.0.0.1:5000", true),
            ("[::1]:5000/x", true),
            ("localhost/hops/", true),
            ("registry.example.org/hops", false),
            ("10.0.0.1:5000", false),
        ] {
            let Place::Registry { registry: checked, is_insecure, .. } = check(registry).unwrap().place
            else {
                panic!("{registry}")
            };
            assert_eq!(is_insecure, insecure, "{registry}");
            assert!(!checked.ends_with('/'));
        }
        for registry in [
            "",
            "hops",
            "https://r.example.org",
            "r.example.org/Hops",
            "r.example.org/a:1",
            "r.org//a",
            "hops.local",
            "hops.local/x",
        ] {
            assert!(matches!(check(registry), Err(SettingsError::Registry(_))), "{registry}");
        }
    }

    #[test]
    fn images_are_named_by_app_and_appling() {
        let settings = Settings::default().check().unwrap();
        let (app, appling) = (AppName::parse("web_shop").unwrap(), ApplingName::parse("api").unwrap());
        assert_eq!(settings.repository(&app, &appling), "127.0.0.1:5000/web-shop/api");
        let docker = Settings { buildkit: "docker:///run/docker.sock".into(), ..Settings::default() };
        assert_eq!(docker.check().unwrap().repository(&app, &appling), "hops.local/web-shop/api");
    }

    #[test]
    fn an_engine_keeps_its_images_and_pushes_none() {
        let docker = Settings { buildkit: "docker:///run/docker.sock".into(), ..Settings::default() };
        assert!(docker.is_in_engine() && !Settings::default().is_in_engine());
        let settings = Settings { registry: Some("r.example.org".into()), ..docker };
        assert!(matches!(settings.check(), Err(SettingsError::EngineWithRegistry(_))));
    }
}
