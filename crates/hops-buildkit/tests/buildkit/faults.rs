//! A daemon that is away, dies, or misbehaves.

use std::{sync::Arc, time::Duration};

use hops_buildkit::{Address, BuildError, Client, Files, Image, Progress, SecretValue, Solve, Tls};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::support::{address, build_at, solve};

mod scripted;

use scripted::{Script, Scripted};

fn scratch() -> Solve {
    Solve::new(Arc::new(Files::new().file("Dockerfile", "FROM scratch\n")), Image::default())
}

/// Fails rather than hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it ends soon")
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_said_at_once_and_may_be_tried_again() {
    for address in ["unix:///no/such/socket", "tcp://127.0.0.1:1"] {
        let client = Client::new(Address::parse(address).unwrap());
        let run = soon(build_at(&client, &scratch(), &CancellationToken::new(), |_| {})).await;
        assert_eq!(run.error().to_string(), format!("cannot reach BuildKit at {address}"));
        assert!(run.error().is_retryable());
    }
}

/// Between a client and the real daemon; cuts every connection when told.
async fn cuttable() -> (Address, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (cut, is_cut) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut is_cut = is_cut.clone();
            tokio::spawn(async move {
                let relay = async {
                    match address() {
                        Address::Unix(path) => {
                            let mut far = UnixStream::connect(path).await?;
                            copy_bidirectional(&mut near, &mut far).await
                        }
                        Address::Tcp { host, port } => {
                            let mut far = TcpStream::connect((host, port)).await?;
                            copy_bidirectional(&mut near, &mut far).await
                        }
                    }
                };
                tokio::select! {
                    _ = relay => {}
                    _ = is_cut.wait_for(|is_cut| *is_cut) => {}
                }
            });
        }
    });
    (Address::Tcp { host: "127.0.0.1".into(), port }, cut)
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_build_is_noticed_at_once() {
    let (address, cut) = cuttable().await;
    let solve = solve(Files::new(), "FROM busybox\nRUN echo begun && sleep 1000 && : NONCE\n");
    let (client, cancel) = (Client::new(address), CancellationToken::new());
    let run = build_at(&client, &solve, &cancel, |event| {
        if matches!(event, Progress::Log { .. }) {
            cut.send_replace(true);
        }
    });
    let run = soon(run).await;
    assert!(matches!(run.error(), BuildError::Lost { .. }), "{:?}", run.error());
    assert!(run.error().is_retryable());
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
