//! What an operator decides about the machine: a part of the server's configuration file.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hops_engine::{Deadlines, Scheme, seconds};
use hops_model::ImageRef;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// How HOPS uses Docker. Every field has a default that suits a machine with Docker's own installation and nothing
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where Docker listens: `unix:///path`, or `tcp://host:port` without TLS.
    pub socket: String,
    /// Tells the containers of several platforms on one Docker apart. A name other than the default is a part of the
    /// names of containers and networks.
    pub platform: String,
    /// Where networks are cut from, one an app and environment. Ranges that overlap with what the machine already uses
    /// are passed over. Docker's own ranges end after some thirty networks.
    pub subnets: Vec<Ipv4Net>,
    /// How large these networks are: the length of their prefix. A `/25` has room for some 120 containers.
    pub subnet_prefix: u8,
    /// `https`, or `http` where nothing ends TLS. Decides the URLs that are shown, with `public_port`. Without it whoever
    /// starts the engine says both, by the certificates there are and the ports that the proxy has.
    pub public_scheme: Option<Scheme>,
    /// The port in the URLs that are shown, where it is not the scheme's own.
    pub public_port: Option<u16>,
    /// The port in the URLs of hosts that no authority signs (`.localhost`), which then are in the clear whatever
    /// `public_scheme` says. Said by whoever starts the engine.
    #[serde(skip)]
    pub clear_port: Option<u16>,
    /// Whether requests in the clear are sent on to HTTPS.
    pub redirect: Redirect,
    /// Seconds between the moment siblings no longer find a container and its SIGTERM: those that have just looked its
    /// address up still reach it. Requests through the proxy are waited for in any case, so an app of a single appling
    /// waits for nothing else.
    #[serde(rename = "drain_s", with = "seconds")]
    pub drain: Duration,
    /// Seconds without any progress after which a roll-out has failed. A slow start needs more.
    #[serde(rename = "progress_deadline_s", with = "seconds")]
    pub progress_deadline: Duration,
    /// Seconds after which a roll-out has failed whose containers run and look mistaken: they answer the readiness path
    /// with a client error (400 to 499), or listen on other ports only. Such an app has started, and its path or port is
    /// wrong. Nothing else counts before `progress_deadline_s`.
    #[serde(rename = "mistake_deadline_s", with = "seconds")]
    pub mistake_deadline: Duration,
    /// Accounts at registries that need one, by the registry's host, such as `ghcr.io`.
    pub logins: BTreeMap<String, Login>,
    /// Mebibytes that stay free where Docker keeps its data. A deploy that would begin with less is refused: a full disk
    /// hurts everything that runs on the machine.
    pub min_free_mib: u64,
    /// How many releases of an appling keep their images, so that going back to one of them needs no pull.
    pub kept_releases: usize,
}

/// An account at a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Its name.
    pub username: String,
    /// The file that holds its password or token.
    pub password_file: PathBuf,
}

/// What becomes of a request in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirect {
    /// It is served.
    Never,
    /// It is sent on to HTTPS once there is a certificate for its host.
    WhenCertified,
    /// It is sent on to HTTPS.
    Always,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            socket: "unix:///var/run/docker.sock".to_owned(),
            platform: Self::PLATFORM.to_owned(),
            subnets: vec![
                // Parts of the private ranges that neither Docker nor home routers begin with.
                net([10, 213, 0, 0], 16),
                net([172, 28, 0, 0], 14),
            ],
            subnet_prefix: 25,
            public_scheme: None,
            public_port: None,
            clear_port: None,
            redirect: Redirect::WhenCertified,
            drain: Duration::from_secs(5),
            progress_deadline: Duration::from_mins(3),
            mistake_deadline: Duration::from_secs(30),
            logins: BTreeMap::new(),
            min_free_mib: 1024,
            kept_releases: 5,
        }
    }
}

impl Settings {
    /// The platform that names do not speak of.
    pub const PLATFORM: &str = "hops";

    /// How long what may pass is waited for.
    pub(crate) fn deadlines(&self) -> Deadlines {
        // Nobody but the app itself makes room on a single machine: such a doubt is not had here.
        let room = self.progress_deadline;
        Deadlines { progress: self.progress_deadline, mistake: self.mistake_deadline, room }
    }

    /// What the repositories of images begin with that this platform builds and removes: before the app's name.
    pub fn repositories(&self) -> String {
        if self.platform == Self::PLATFORM {
            return ImageRef::LOCAL.to_owned();
        }
        // No app has a dot in its name.
        format!("{}{}.", ImageRef::LOCAL, self.platform)
    }

    /// The URL of a public host.
    pub fn url(&self, host: &str) -> String {
        if let Some(port) = self.clear_port.filter(|_| host.ends_with(".localhost")) {
            return Scheme::Http.url(host, Some(port));
        }
        self.public_scheme.unwrap_or(Scheme::Https).url(host, self.public_port)
    }
}

impl From<Redirect> for hops_proxy::Https {
    fn from(redirect: Redirect) -> Self {
        match redirect {
            Redirect::Never => Self::Never,
            Redirect::WhenCertified => Self::WhenCertified,
            Redirect::Always => Self::Always,
        }
    }
}

fn net(address: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new(address.into(), prefix).expect("a prefix of at most 32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_only_what_differs() {
        let settings: Settings = serde_json::from_value(serde_json::json!({
            "progress_deadline_s": 60,
            "subnets": ["10.9.0.0/16"],
            "redirect": "when_certified",
        }))
        .unwrap();
        assert_eq!(settings.progress_deadline, Duration::from_mins(1));
        assert_eq!(settings.subnets, [net([10, 9, 0, 0], 16)]);
        assert_eq!(settings.platform, "hops");
    }

    #[test]
    fn urls_carry_an_odd_port() {
        let settings =
            Settings { public_scheme: Some(Scheme::Http), public_port: Some(8080), ..Settings::default() };
        assert_eq!(settings.url("web.localhost"), "http://web.localhost:8080");
        assert_eq!(Settings::default().url("web.example.com"), "https://web.example.com");
        let mixed = Settings { clear_port: Some(8080), ..Settings::default() };
        assert_eq!(mixed.url("web.test.localhost"), "http://web.test.localhost:8080");
        assert_eq!(mixed.url("web.example.com"), "https://web.example.com");
    }
}
