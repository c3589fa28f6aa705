//! What goes wrong, and what is then said and done.

use hops_build::Builder;
use hops_model::{CauseCode, CommitId, Event, event::StepState};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
    time::{Duration, sleep, timeout},
};

use crate::{
    daemon::{Daemon, on_every_daemon, variable},
    relay::Relay,
    shop::{Shop, nonce, run},
};

on_every_daemon! {
    one_appling_fails_and_the_other_does_not_mind
    a_dockerfile_that_is_not_committed_is_named
    a_dockerfile_that_is_wrong_is_shown_at_its_line
    a_base_image_that_does_not_exist_is_the_authors_fault
    a_commit_that_is_not_there_fails_every_appling
    a_builder_that_stays_away_is_named
    a_builder_that_comes_back_finishes_the_build
    dropping_the_build_frees_its_place
    a_build_that_takes_too_long_is_stopped
}

async fn one_appling_fails_and_the_other_does_not_mind(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile("RUN echo about-to-fail && exit 7"))
        .write("web/Dockerfile", daemon.dockerfile(""));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api", "web"]).await;
    run.image("web");
    let cause = run.cause("api");
    assert_eq!(cause.code, CauseCode::BuildFailed);
    assert!(
        cause.message.contains("api/Dockerfile:3") && cause.message.contains("exit code: 7")
            || cause.message.contains("exit code 7"),
        "{cause:?}"
    );
    assert!(cause.proof.contains("api/Dockerfile:3: RUN echo about-to-fail && exit 7"), "{cause:?}");
    assert!(cause.proof.lines().any(|line| line == "about-to-fail"), "{cause:?}");
    let failed = |event: &Event| matches!(event, Event::BuildStep { state: StepState::Failed, .. });
    assert!(run.events.iter().any(failed), "{:#?}", run.events);
}

async fn a_dockerfile_that_is_not_committed_is_named(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("web/Dockerfile", daemon.dockerfile(""));
    let commit = shop.commit().await;
    shop.write("api/Dockerfile", daemon.dockerfile(""));
    let run = shop.build(&commit, &["api", "web"]).await;
    run.image("web");
    assert_eq!(run.cause("api").message, format!("`api/Dockerfile` is not in the commit {}", commit.short()));
}

async fn a_dockerfile_that_is_wrong_is_shown_at_its_line(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", format!("FROM {}\nRUNN echo\n", daemon.busybox()));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    let cause = run.cause("api");
    assert_eq!(cause.code, CauseCode::BuildFailed);
    assert!(
        cause.message.contains("RUNN") && cause.proof.contains("api/Dockerfile:2: RUNN echo"),
        "{cause:?}"
    );
}

async fn a_base_image_that_does_not_exist_is_the_authors_fault(daemon: Daemon) {
    let shop = Shop::new(daemon);
    let image = format!("{}/no/such:image", variable("HOPS_TEST_REGISTRY"));
    shop.write("api/Dockerfile", format!("FROM {image}\n"));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    let cause = run.cause("api");
    assert_eq!(cause.code, CauseCode::BaseImageMissing, "{cause:?}");
    assert!(cause.message.contains(&image), "{cause:?}");
}

async fn a_commit_that_is_not_there_fails_every_appling(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile(""));
    shop.commit().await;
    let run = shop.build(&CommitId::parse(&"ab".repeat(20)).unwrap(), &["api", "web"]).await;
    assert_eq!(run.cause("api").code, CauseCode::CommitMissing);
    assert_eq!(run.cause("web").code, CauseCode::CommitMissing);
}

#[tokio::test]
async fn a_registry_that_is_away_is_named() {
    let daemon = Daemon::BuildKit;
    let mut shop = Shop::new(daemon);
    shop.settings.registry = Some("127.0.0.1:1/hops-build".to_owned());
    shop.settings.retries = 1;
    shop.write("api/Dockerfile", daemon.dockerfile(""));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    let cause = run.cause("api");
    assert_eq!(cause.code, CauseCode::RegistryUnavailable, "{cause:?}");
    assert!(cause.message.contains("127.0.0.1:1"), "{cause:?}");
    assert_eq!(run.warnings().len(), 1, "{:?}", run.warnings());
}

async fn a_builder_that_stays_away_is_named(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    shop.settings.buildkit = Relay::reserve(daemon).address();
    shop.write("api/Dockerfile", daemon.dockerfile(""));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    let cause = run.cause("api");
    assert_eq!(cause.code, CauseCode::BuilderUnavailable);
    assert!(
        cause.message.contains(&shop.settings.buildkit) && cause.proof.contains("No such file"),
        "{cause:?}"
    );
    assert_eq!(run.warnings().len(), 2, "{:?}", run.warnings());
}

async fn a_builder_that_comes_back_finishes_the_build(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    // However late the test hears of the step, it is still under way: it ends when another build opens the gate.
    let gate = format!("RUN --mount=type=cache,id={},target=/gate", nonce());
    let wait = format!("{gate} until test -e /gate/open; do sleep 0.1; done; echo through");
    shop.write("api/Dockerfile", daemon.dockerfile(&wait))
        .write("gate/Dockerfile", daemon.dockerfile(&format!("{gate} touch /gate/open")));
    let commit = shop.commit().await;
    let (direct, opening) = (shop.builder(), shop.request(&commit, &["gate"]).await);
    let place = Relay::reserve(daemon);
    shop.settings.buildkit = place.address();
    shop.settings.retries = 4;
    let (builder, request) = (shop.builder(), shop.request(&commit, &["api"]).await);
    let (sender, mut events) = mpsc::unbounded_channel();
    let (cut, is_cut) = oneshot::channel();
    let conduct = async {
        // Away at first, then there, then cut off in the middle of a step, then there again.
        let (mut relay, mut cut) = (None, Some(cut));
        let mut warnings = 0;
        while let Some(event) = events.recv().await {
            match event {
                Event::Warning { .. } => {
                    warnings += 1;
                    if relay.is_none() {
                        relay = Some(place.listen());
                    }
                }
                Event::BuildStep { step, state: StepState::Started, .. } if step.contains("sleep") => {
                    if let Some(cut) = cut.take() {
                        relay = None;
                        cut.send(()).unwrap();
                    }
                }
                _ => {}
            }
        }
        warnings
    };
    let open = async {
        is_cut.await.unwrap();
        run(&direct, opening).await.image("gate");
    };
    let (results, warnings, ()) = tokio::join!(builder.build(request, sender), conduct, open);
    results.into_values().next().unwrap().unwrap();
    assert!(warnings >= 2, "{warnings}");
}

async fn dropping_the_build_frees_its_place(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    shop.settings.parallel = 1;
    shop.write("api/Dockerfile", daemon.dockerfile("RUN sleep 600"))
        .write("web/Dockerfile", daemon.dockerfile(""));
    let commit = shop.commit().await;
    let builder = shop.builder();
    let (sender, mut events) = mpsc::unbounded_channel();
    let request = shop.request(&commit, &["api"]).await;
    let sleeping = async {
        while let Some(event) = events.recv().await {
            if matches!(&event, Event::BuildStep { step, .. } if step.contains("sleep")) {
                break;
            }
        }
    };
    tokio::select! {
        _ = builder.build(request, sender) => panic!("it sleeps"),
        () = sleeping => {}
    }
    run(&builder, shop.request(&commit, &["web"]).await).await.image("web");
}

async fn a_build_that_takes_too_long_is_stopped(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    shop.settings.minutes = 0;
    shop.write("api/Dockerfile", daemon.dockerfile("RUN sleep 600"));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    assert_eq!(run.cause("api").code, CauseCode::TimedOut);
}

#[tokio::test]
async fn the_cache_is_kept_in_the_registry_after_the_build() {
    let daemon = Daemon::BuildKit;
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile("RUN head -c 9 /dev/urandom | base64 > /x; cat /x"));
    let commit = shop.commit().await;
    let builder = shop.builder();
    run(&builder, shop.request(&commit, &["api"]).await).await.image("api");
    cache_is_there(&shop).await;
}

/// Waits until the registry has the cache, which is written after the build.
async fn cache_is_there(shop: &Shop) {
    let host = variable("HOPS_TEST_REGISTRY");
    let path = format!("/v2/hops-build/{}/api/manifests/cache", shop.name());
    let accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
    let request =
        format!("HEAD {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    let asking = async {
        loop {
            let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            if answer.starts_with("HTTP/1.1 200") {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_mins(2), asking).await.expect("the cache comes");
}
