//! What a Dockerfile may use.

use std::{collections::BTreeMap, sync::Arc};

use hops_buildkit::{Cache, Files, Outcome, Progress, SecretValue, Solve};
use tokio_util::sync::CancellationToken;

use crate::support::{Daemon, build_at, nonce, on_every_daemon, on_recent_daemons, registry};

on_every_daemon! {
    a_secret_arrives_in_its_step_and_nowhere_else
    a_required_secret_that_is_not_given_is_named
    a_cache_mount_keeps_its_content_between_builds
    steps_are_told_from_start_to_end_and_cached_ones_as_such
    builds_at_the_same_time_do_not_disturb_each_other
    a_dockerfile_may_come_from_elsewhere_and_lie_deep
    nobody_listening_to_progress_does_not_stop_a_build
}

on_recent_daemons! {
    arguments_and_multiple_stages_and_heredocs_work
    a_lint_warning_carries_its_line
    a_recent_daemon_tells_its_version
}

#[tokio::test]
async fn a_build_ends_with_the_digest_that_the_registry_has() {
    let daemon = Daemon::BuildKit;
    let solve =
        daemon.solve(Files::new().file("hello", "NONCE"), "FROM scratch\nCOPY hello /\nLABEL nonce=NONCE\n");
    let run = daemon.build(&solve).await;
    let built = run.built();
    assert!(built.digest.starts_with("sha256:") && built.digest.len() == 71, "{built:?}");
    let (_, tag) = solve.image.names[0].rsplit_once(':').unwrap();
    let answer = http_get(&registry(), &format!("/v2/hops-buildkit/test/manifests/{tag}")).await;
    assert!(answer.contains(&built.digest), "{answer}");
}

/// The headers and body of a plain answer.
async fn http_get(host: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
    let types =
        "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {types}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn arguments_and_multiple_stages_and_heredocs_work(daemon: Daemon) {
    let dockerfile = r#"# syntax=docker/dockerfile:1
ARG BASE=none
FROM ${BASE} AS first
ARG GREETING
RUN echo "says $GREETING NONCE" | tee /out
FROM busybox AS unused
RUN exit 1
FROM first AS last
COPY <<EOF /etc/motd
from a heredoc
EOF
RUN <<EOF
cat /out /etc/motd
echo undeclared=$OTHER.
EOF
FROM last AS after
RUN echo not reached
"#;
    let mut solve = daemon.solve(Files::new(), dockerfile);
    for (name, value) in [("BASE", &*daemon.busybox()), ("GREETING", "good day"), ("OTHER", "x")] {
        solve.arguments.insert(name.into(), value.into());
    }
    solve.target = Some("last".into());
    let run = daemon.build(&solve).await;
    run.built();
    let log = run.log();
    assert!(log.contains("says good day"), "{log}");
    assert!(log.contains("from a heredoc") && log.contains("undeclared=."), "{log}");
    assert!(!log.contains("not reached"), "{log}");
}

async fn a_secret_arrives_in_its_step_and_nowhere_else(daemon: Daemon) {
    let value = nonce();
    let dockerfile = "FROM busybox
RUN --mount=type=secret,id=token : NONCE && wc -c < /run/secrets/token && test ! -e /run/secrets/other
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent
RUN test ! -e /run/secrets/token\n";
    let mut solve = daemon.solve(Files::new(), dockerfile);
    solve.secrets = BTreeMap::from([("token".to_owned(), SecretValue::new(value.as_bytes()))]);
    let run = daemon.build(&solve).await;
    run.built();
    assert_eq!(run.log().trim(), "32");
    assert!(!format!("{:?}{solve:?}", run.events).contains(&value));
}

async fn a_required_secret_that_is_not_given_is_named(daemon: Daemon) {
    let dockerfile = "FROM busybox\nRUN --mount=type=secret,id=token,required : NONCE\n";
    let run = daemon.build(&daemon.solve(Files::new(), dockerfile)).await;
    let text = run.error().to_string();
    assert!(text.contains("secret token") && text.contains("not found"), "{text}");
}

async fn a_cache_mount_keeps_its_content_between_builds(daemon: Daemon) {
    let key = nonce();
    let dockerfile =
        |run: &str| format!("FROM busybox\nRUN --mount=type=cache,id={key},target=/cache {run} && : NONCE\n");
    daemon.build(&daemon.solve(Files::new(), &dockerfile("echo kept > /cache/it"))).await.built();
    let run = daemon.build(&daemon.solve(Files::new(), &dockerfile("cat /cache/it"))).await;
    run.built();
    assert_eq!(run.log(), "kept\n");
}

async fn steps_are_told_from_start_to_end_and_cached_ones_as_such(daemon: Daemon) {
    let solve = daemon.solve(Files::new(), "FROM busybox\nRUN echo one NONCE && echo two >&2\n");
    let run = daemon.build(&solve).await;
    run.built();
    let of_run: Vec<String> = run
        .events
        .iter()
        .filter_map(|event| match event {
            Progress::Started { step } if step.name.contains("RUN") => Some("started".to_owned()),
            Progress::Log { line, .. } => Some(line.split(' ').next().unwrap_or_default().to_owned()),
            Progress::Finished { step, outcome, duration } if step.name.contains("RUN") => {
                assert!(!duration.is_zero());
                Some(format!("{outcome:?}"))
            }
            _ => None,
        })
        .collect();
    assert_eq!(of_run.first().unwrap(), "started");
    assert_eq!(of_run.last().unwrap(), "Done");
    assert!(of_run.contains(&"one".to_owned()) && of_run.contains(&"two".to_owned()), "{of_run:?}");

    let again = daemon.build(&solve).await;
    let cached = |event: &&Progress| matches!(event, Progress::Finished { outcome: Outcome::Cached, step, .. } if step.name.contains("RUN"));
    assert_eq!(again.events.iter().filter(cached).count(), 1, "{:#?}", again.events);
    assert_eq!(again.built().digest, run.built().digest);
    assert!(again.built().steps_cached >= 1);
}

async fn a_lint_warning_carries_its_line(daemon: Daemon) {
    let run =
        daemon.build(&daemon.solve(Files::new(), "FROM busybox AS base\nLABEL a=NONCE\nfrom base\n")).await;
    run.built();
    let warning = run.events.iter().find_map(|event| match event {
        Progress::Warning { message, line, url } => Some((message.clone(), *line, url.is_some())),
        _ => None,
    });
    let (message, line, has_url) = warning.expect("there is a warning");
    assert!(message.contains("ConsistentInstructionCasing"), "{message}");
    assert_eq!((line, has_url), (Some(3), true));
}

#[tokio::test]
async fn the_cache_goes_to_the_registry_and_one_that_cannot_does_not_fail_the_build() {
    let daemon = Daemon::BuildKit;
    let mut solve = daemon.solve(Files::new(), "FROM busybox\nRUN : NONCE\n");
    let reference = format!("{}/hops-buildkit/cache:{}", registry(), nonce());
    let gone = Cache { reference: "127.0.0.1:1/nothing/here:cache".to_owned(), insecure: true };
    let cache = Cache { reference, insecure: true };
    solve.cache_to = vec![cache.clone(), gone.clone()];
    solve.cache_from = vec![cache.clone(), gone];
    daemon.build(&solve).await.built();
    let (name, tag) = cache.reference.split_once('/').unwrap().1.rsplit_once(':').unwrap();
    let answer = http_get(&registry(), &format!("/v2/{name}/manifests/{tag}")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

async fn builds_at_the_same_time_do_not_disturb_each_other(daemon: Daemon) {
    let client = daemon.client();
    let builds = (0..6).map(|number| {
        let files = Files::new().file("number", number.to_string()).file("big", vec![b'x'; 1 << 20]);
        let mut solve = daemon.solve(files, "FROM busybox\nCOPY . /in\nRUN cat /in/number && : NONCE\n");
        "the same for all".clone_into(&mut solve.shared_key);
        let client = client.clone();
        async move {
            let run = build_at(&client, &solve, &CancellationToken::new(), |_| {}).await;
            run.built();
            assert_eq!(run.log(), format!("{number}\n"));
        }
    });
    futures::future::join_all(builds).await;
}

async fn a_dockerfile_may_come_from_elsewhere_and_lie_deep(daemon: Daemon) {
    let dockerfile =
        Files::new().file("api/Dockerfile", format!("FROM scratch\nCOPY a /\nLABEL n={}\n", nonce()));
    let mut solve = daemon.solve(Files::new().file("a", ""), "FROM nowhere\n");
    solve.dockerfile_source = Some(Arc::new(dockerfile));
    "./api/Dockerfile".clone_into(&mut solve.dockerfile);
    daemon.build(&solve).await.built();
}

async fn a_recent_daemon_tells_its_version(daemon: Daemon) {
    assert!(daemon.client().version().await.unwrap().is_some());
}

async fn nobody_listening_to_progress_does_not_stop_a_build(daemon: Daemon) {
    let solve: Solve = daemon.solve(Files::new(), "FROM busybox\nRUN seq 1 5000 && : NONCE\n");
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(receiver);
    daemon.client().solve(&solve, sender, &CancellationToken::new()).await.unwrap();
}
