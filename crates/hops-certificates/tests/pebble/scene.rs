//! The real proxy where the authority looks, with a certifier.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use hops_certificates::{Certifier, ChallengeKind, Directory, Email, HostStatus, Settings, State};
use hops_proxy::{Certificates, Challenges, Listeners, Proxy, Routes};
use hops_testkit::{Authority, authority::Options};
use tokio::time;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// An authority that differs from others in this.
pub(crate) async fn authority(options: Options) -> Authority {
    Authority::start(options).await.unwrap()
}

/// The certificate that all of its certificates rest on.
pub(crate) async fn root(authority: &Authority) -> reqwest::Certificate {
    reqwest::Certificate::from_pem(&authority.root().await.unwrap()).unwrap()
}

/// How it is used.
pub(crate) fn settings(authority: &Authority, challenge: ChallengeKind) -> Settings {
    Settings {
        email: Some(Email::parse("ops@example.com").unwrap()),
        directory: Directory::parse(&authority.directory()).unwrap(),
        ca_file: Some(authority.own_root()),
        challenge,
        // Its names are known to its own DNS alone.
        check_resolves: false,
        ..Settings::default()
    }
}

/// Where certificates are kept.
pub(crate) fn state_directory(authority: &Authority) -> PathBuf {
    authority.folder().join("certificates")
}

/// The proxy where the authority looks, with a certifier.
pub(crate) struct Site {
    pub(crate) certifier: Certifier,
    pub(crate) certificates: Certificates,
    https: SocketAddr,
    proxy: Proxy,
}

impl Site {
    pub(crate) fn start(authority: &Authority, settings: Settings) -> Self {
        let certificates = Certificates::new();
        let challenges = Challenges::new();
        let listeners =
            Listeners { http: vec![authority.http().into()], https: vec![authority.https().into()] };
        let proxy = Proxy::start(
            hops_proxy::Settings::default(),
            listeners,
            Routes::new(),
            certificates.clone(),
            challenges.clone(),
        )
        .unwrap();
        let directory = state_directory(authority);
        let certifier = Certifier::start(settings, directory, certificates.clone(), challenges).unwrap();
        Self { certifier, certificates, https: authority.https(), proxy }
    }

    /// Ends, with its ports free again.
    pub(crate) async fn stop(self) {
        self.proxy.shut_down().await;
    }

    /// How this host stands.
    pub(crate) fn status(&self, host: &str) -> Option<HostStatus> {
        self.certifier.status().into_iter().find(|status| status.host == host)
    }

    /// Waits until the host stands so.
    pub(crate) async fn until(&self, host: &str, wanted: impl Fn(&HostStatus) -> bool) -> HostStatus {
        let mut changes = self.certifier.changes();
        let waiting = async {
            loop {
                if let Some(status) = self.status(host).filter(&wanted) {
                    return status;
                }
                changes.changed().await.unwrap();
            }
        };
        time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|late| panic!("{late}: {host} stands so: {:?}", self.status(host)))
    }

    pub(crate) async fn until_kept(&self, host: &str) -> HostStatus {
        self.until(host, |status| matches!(status.state, State::Kept { .. })).await
    }

    /// What the proxy answers by HTTPS, to a client that trusts the authority alone.
    pub(crate) async fn get(&self, root: &reqwest::Certificate, host: &str) -> reqwest::Result<u16> {
        let client =
            reqwest::Client::builder().tls_certs_only([root.clone()]).resolve(host, self.https).build()?;
        let answer = client.get(format!("https://{host}:5001/")).send().await?;
        Ok(answer.status().as_u16())
    }
}
