//! A daemon that is away, dies, or misbehaves.

use std::{error::Error, sync::Arc, time::Duration};

use hops_buildkit::{Address, BuildError, Client, Files, Image, Progress, SecretValue, Solve, Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::support::{Daemon, build_at, on_every_daemon};

mod relay;
mod scripted;

use relay::Relay;
use scripted::{Script, Scripted};

fn scratch() -> Solve {
    Solve::new(Arc::new(Files::new().file("Dockerfile", "FROM scratch\n")), Image::default())
}

/// Fails rather than hangs. Nothing here takes nearly as long, also on a busy machine.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(2), future).await.expect("it ends soon")
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_said_at_once_and_may_be_tried_again() {
    for address in ["unix:///no/such/socket", "docker:///no/such/socket", "tcp://127.0.0.1:1"] {
        let client = Client::new(Address::parse(address).unwrap());
        let run = soon(build_at(&client, &scratch(), &CancellationToken::new(), |_| {})).await;
        assert_eq!(run.error().to_string(), format!("cannot reach BuildKit at {address}"));
        assert!(run.error().is_retryable());
    }
}

on_every_daemon! {
    a_connection_that_breaks_in_the_middle_of_a_build_is_noticed_at_once
}

async fn a_connection_that_breaks_in_the_middle_of_a_build_is_noticed_at_once(daemon: Daemon) {
    let (cut, is_cut) = watch::channel(false);
    let relay = Relay::to(daemon, false, is_cut);
    let solve = daemon.solve(Files::new(), "FROM busybox\nRUN echo begun && sleep 1000 && : NONCE\n");
    let (client, cancel) = (Client::new(relay.address.clone()), CancellationToken::new());
    let run = build_at(&client, &solve, &cancel, |event| {
        if matches!(event, Progress::Log { .. }) {
            cut.send_replace(true);
        }
    });
    let run = soon(run).await;
    assert!(matches!(run.error(), BuildError::Lost { .. }), "{:?}", run.error());
    assert!(!format!("{:?}", run.error()).contains("no sign of life"), "not by waiting: {:?}", run.error());
    assert!(run.error().is_retryable());
}

#[tokio::test]
async fn an_engine_that_has_lost_its_old_entrance_is_spoken_to_directly() {
    let daemon = Daemon::NewDocker;
    let relay = Relay::to(daemon, true, watch::channel(false).1);
    let client = Client::new(relay.address.clone());
    let solve =
        daemon.solve(Files::new().file("a", "NONCE"), "FROM busybox\nCOPY a /\nRUN cat /a && : NONCE\n");
    let run = soon(build_at(&client, &solve, &CancellationToken::new(), |_| {})).await;
    assert_eq!(run.built().files_sent, 1);
}

#[tokio::test]
async fn what_is_no_engine_or_does_not_let_us_in_is_said() {
    for (answer, expected) in [
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(),
            "the Docker engine does not let its builder be spoken to: `HTTP/1.1 403 Forbidden`",
        ),
        ("x".repeat(10_000), "what listens there is no Docker engine"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            // It ends when the other side has seen enough.
            let _ = near.write_all(answer.as_bytes()).await;
            let _ = near.read_to_end(&mut Vec::new()).await;
        });
        let client = Client::new(Address::Docker(socket));
        let error = soon(client.version()).await.unwrap_err();
        let mut cause = error.source();
        while let Some(next) = cause.and_then(Error::source) {
            cause = Some(next);
        }
        assert_eq!(cause.unwrap().to_string(), expected);
    }
}

async fn check(script: Script, expected: &str) -> BuildError {
    let daemon = Scripted::start(script).await;
    let client = Client::new(daemon.address.clone());
    let run = soon(build_at(&client, &scratch(), &CancellationToken::new(), |_| {})).await;
    let error = run.result.expect_err("the scripted daemon builds nothing");
    assert_eq!(error.to_string().replace(&daemon.address.to_string(), "ADDRESS"), expected);
    error
}

#[tokio::test]
async fn a_daemon_that_refuses_the_session_is_lost() {
    check(Script::RefuseSession, "BuildKit at ADDRESS went away during the build").await;
}

#[tokio::test]
async fn a_daemon_that_ends_the_session_is_lost() {
    check(Script::EndSession, "BuildKit at ADDRESS went away during the build").await;
}

#[tokio::test]
async fn a_daemon_that_dies_during_the_solve_is_lost() {
    check(Script::Die, "BuildKit at ADDRESS went away during the build").await;
}

#[tokio::test]
async fn a_daemon_that_shuts_down_during_the_solve_is_lost() {
    let error = check(Script::ShutDown, "BuildKit at ADDRESS went away during the build").await;
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_full_disk_is_the_daemons_fault() {
    let expected = "BuildKit reports: failed to copy: write /x: no space left on device";
    let error = check(Script::Fail("failed to copy: write /x: no space left on device"), expected).await;
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn an_answer_without_a_digest_is_no_success() {
    check(Script::NoDigest, "BuildKit reports: the build succeeded, but its answer names no digest").await;
}

#[tokio::test]
async fn progress_that_breaks_off_does_not_fail_the_build() {
    let daemon = Scripted::start(Script::NoStatus).await;
    let client = Client::new(daemon.address.clone());
    let run = soon(build_at(&client, &scratch(), &CancellationToken::new(), |_| {})).await;
    assert_eq!(run.built().digest, "sha256:feed");
}

#[tokio::test]
async fn cancelling_does_not_wait_for_a_daemon_that_does_not_answer() {
    let daemon = Scripted::start(Script::Silence).await;
    let client = Client::new(daemon.address.clone());
    let cancel = CancellationToken::new();
    let solve = scratch();
    let run = build_at(&client, &solve, &cancel, |_| {});
    let (run, ()) = soon(async {
        tokio::join!(run, async {
            daemon.solve_arrived().await;
            cancel.cancel();
        })
    })
    .await;
    assert!(matches!(run.error(), BuildError::Cancelled));
    // The daemon sees its call dropped, which is what makes it stop.
    soon(daemon.solve_dropped()).await;
}

/// An authority, and certificates it signed for a server called `builder` and for a client.
struct Authority(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn client(&self, trusted: &Self) -> Tls {
        let (certificate, key) = self.sign("client");
        Tls {
            ca: trusted.0.pem().into_bytes(),
            certificate: certificate.into_bytes(),
            key: SecretValue::new(key),
            server_name: Some("builder".to_owned()),
        }
    }
}

#[tokio::test]
async fn with_tls_each_side_proves_who_it_is() {
    let (ours, other) = (Authority::new(), Authority::new());
    let (certificate, key) = ours.sign("builder");
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(ours.0.pem()));
    let daemon = Scripted::start_with_tls(Script::NoStatus, tls).await;
    let cancel = CancellationToken::new();
    let build = async |client: Client| soon(build_at(&client, &scratch(), &cancel, |_| {})).await;

    build(Client::with_tls(daemon.address.clone(), ours.client(&ours))).await.built();
    for refused in [
        Client::new(daemon.address.clone()),
        Client::with_tls(daemon.address.clone(), other.client(&ours)),
        Client::with_tls(daemon.address.clone(), ours.client(&other)),
    ] {
        let run = build(refused).await;
        assert!(
            matches!(run.error(), BuildError::Connect { .. } | BuildError::Lost { .. }),
            "{:?}",
            run.error()
        );
    }
}
