//! Certificates from a real authority, through the real proxy. Needs the Debian package `pebble`.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod scene;

use std::{net::Ipv4Addr, time::Duration};

use hops_certificates::{ChallengeKind, ExternalAccount, HostStatus, State};
use hops_testkit::authority::Options;
use jiff::Timestamp;

use self::scene::Site;

const HOST: &str = "shop.example.com";

async fn issued_by(challenge: ChallengeKind) {
    let authority = scene::authority(Options::default()).await;
    let site = Site::start(&authority, scene::settings(&authority, challenge));
    site.certifier.want([HOST]);
    let status = site.until_kept(HOST).await;
    assert!(status.valid_until.unwrap() > Timestamp::now());
    assert_eq!(
        site.get(&scene::root(&authority).await, HOST).await.unwrap(),
        404,
        "no route, and a trusted certificate"
    );
    assert_eq!((authority.accounts(), authority.orders()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_issued_by_http_01() {
    issued_by(ChallengeKind::Http01).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_issued_by_tls_alpn_01() {
    issued_by(ChallengeKind::TlsAlpn01).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hosts_are_certified_with_one_account() {
    let authority = scene::authority(Options::default()).await;
    let site = Site::start(&authority, scene::settings(&authority, ChallengeKind::Http01));
    let hosts: Vec<String> = (0..20).map(|number| format!("app{number}.example.com")).collect();
    site.certifier.want(&hosts);
    let root = scene::root(&authority).await;
    for host in &hosts {
        site.until_kept(host).await;
        assert_eq!(site.get(&root, host).await.unwrap(), 404);
    }
    assert_eq!((authority.accounts(), authority.orders()), (1, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_while_it_is_valid() {
    let authority = scene::authority(Options { validity: Some(12), ..Options::default() }).await;
    let site = Site::start(&authority, scene::settings(&authority, ChallengeKind::Http01));
    site.certifier.want([HOST]);
    let root = scene::root(&authority).await;
    let first = site.until_kept(HOST).await.valid_until.unwrap();
    let is_renewed = |status: &HostStatus| status.valid_until.is_some_and(|until| until > first);
    site.until(HOST, |status| status.state == State::Ordering || is_renewed(status)).await;
    // How long the authority then takes on a busy machine is its own affair.
    assert!(Timestamp::now() < first, "begun in time");
    site.until(HOST, is_renewed).await;
    assert_eq!(site.get(&root, HOST).await.unwrap(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_orders_nothing() {
    let authority = scene::authority(Options::default()).await;
    let settings = scene::settings(&authority, ChallengeKind::Http01);
    let site = Site::start(&authority, settings.clone());
    site.certifier.want([HOST]);
    let before = site.until_kept(HOST).await;
    site.stop().await;
    let site = Site::start(&authority, settings);
    assert!(!site.certificates.has(HOST), "nobody wants it yet");
    site.certifier.want([HOST]);
    assert!(site.certificates.has(HOST), "at once");
    assert_eq!(site.status(HOST).unwrap(), before);
    // Another host's order comes after any that this one would have had.
    site.certifier.want([HOST, "other.example.com"]);
    site.until_kept("other.example.com").await;
    assert_eq!((authority.accounts(), authority.orders()), (1, 2));
    site.certifier.want(["other.example.com"]);
    assert!(!site.certificates.has(HOST));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_why_and_waits_and_harms_no_other_host() {
    let authority = scene::authority(Options::default()).await;
    // Nobody answers there.
    authority.resolve(HOST, Ipv4Addr::new(127, 0, 0, 9)).await.unwrap();
    let settings = scene::settings(&authority, ChallengeKind::Http01);
    let site = Site::start(&authority, settings.clone());
    let begin = Timestamp::now();
    site.certifier.want([HOST, "other.example.com"]);
    let failed = site.until(HOST, |status| matches!(status.state, State::Failed { .. })).await;
    site.until_kept("other.example.com").await;
    let State::Failed { message, next_try } = &failed.state else { unreachable!() };
    assert!(
        message.starts_with("the certificate authority could not verify `shop.example.com`: "),
        "{message}"
    );
    assert!(message.contains("127.0.0.9"), "{message}");
    // A minute, or up to a tenth of one more, from when it failed, to the second.
    let (least, most) = (Duration::from_secs(59), Duration::from_secs(67));
    assert!((begin + least..=Timestamp::now() + most).contains(next_try), "{begin} {next_try}");
    assert!(!site.certificates.has(HOST));

    // A restart does not make it try again; somebody who has mended it does.
    site.stop().await;
    let site = Site::start(&authority, settings);
    site.certifier.want([HOST]);
    assert_eq!(site.status(HOST).unwrap().state, failed.state);
    authority.resolve(HOST, authority.ip()).await.unwrap();
    site.certifier.reload();
    site.until_kept(HOST).await;
    assert_eq!(site.get(&scene::root(&authority).await, HOST).await.unwrap(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_not_ordered() {
    let authority = scene::authority(Options::default()).await;
    let mut settings = scene::settings(&authority, ChallengeKind::Http01);
    settings.check_resolves = true;
    let site = Site::start(&authority, settings);
    site.certifier.want(["shop.invalid"]);
    let failed = site.until("shop.invalid", |status| matches!(status.state, State::Failed { .. })).await;
    assert!(failed.to_string().contains("`shop.invalid` does not resolve; point its DNS record"), "{failed}");
    assert_eq!((authority.accounts(), authority.orders()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_lost_its_accounts_gets_a_new_one() {
    let mut authority = scene::authority(Options::default()).await;
    let site = Site::start(&authority, scene::settings(&authority, ChallengeKind::Http01));
    site.certifier.want([HOST]);
    site.until_kept(HOST).await;
    authority.lose_its_state().await.unwrap();
    site.certifier.want([HOST, "other.example.com"]);
    site.until("other.example.com", |status| matches!(status.state, State::Failed { .. })).await;
    site.certifier.reload();
    site.until_kept("other.example.com").await;
    assert_eq!(authority.accounts(), 1, "since it lost them");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_made_elsewhere_is_used() {
    const SECRET: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let external = Some(("kid-1", SECRET));
    let authority = scene::authority(Options { external, ..Options::default() }).await;
    let mut settings = scene::settings(&authority, ChallengeKind::Http01);
    let key_file = authority.folder().join("account.key");
    std::fs::write(&key_file, format!("{SECRET}\n")).unwrap();
    settings.external_account = Some(ExternalAccount { key_id: "kid-1".to_owned(), key_file });
    let site = Site::start(&authority, settings);
    site.certifier.want([HOST]);
    site.until_kept(HOST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_away_is_waited_for() {
    let authority = scene::authority(Options::default()).await;
    let mut settings = scene::settings(&authority, ChallengeKind::Http01);
    settings.directory = authority.directory().replace(":14000", ":14001").parse().unwrap();
    let site = Site::start(&authority, settings);
    site.certifier.want([HOST]);
    let failed = site.until(HOST, |status| matches!(status.state, State::Failed { .. })).await;
    let State::Failed { message, next_try } = failed.state else { unreachable!() };
    assert!(message.contains("cannot open an account at the certificate authority"), "{message}");
    assert!(message.to_lowercase().contains("refused"), "the reason is said: {message}");
    assert!(next_try < Timestamp::now() + Duration::from_mins(2));
}
