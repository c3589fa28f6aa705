//! A failing build says which step, which line and why.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use hops_buildkit::{BuildError, Entry, Failure, Files, Kind, Modified, Progress, Solve, Source};
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use crate::support::{Daemon, Run, build_at, nonce, on_every_daemon, registry};

on_every_daemon! {
    a_failing_command_is_shown_with_its_line_its_code_and_its_last_words
    a_mistake_in_the_dockerfile_is_shown_with_its_line
    a_failure_in_a_very_long_dockerfile_is_shown_too
    a_file_that_is_not_there_is_named
    a_target_that_does_not_exist_is_named
    a_missing_dockerfile_is_named
    a_base_image_that_does_not_exist_is_named_with_the_line_that_wants_it
    a_file_that_cannot_be_read_ends_the_build_with_its_name
    a_cancelled_build_stops_in_the_daemon_too
}

fn failure(run: &Run) -> &Failure {
    match run.error() {
        BuildError::Failed(failure) => failure,
        other => panic!("not a failed step: {other:?}"),
    }
}

async fn a_failing_command_is_shown_with_its_line_its_code_and_its_last_words(daemon: Daemon) {
    let dockerfile = "FROM busybox\nRUN true\nRUN seq 1 100 >&2 && \\\n  echo the reason >&2 && : NONCE && \\\n  exit 42\nRUN echo never\n";
    let run = daemon.build(&daemon.solve(Files::new(), dockerfile)).await;
    let failure = failure(&run);
    assert!(failure.step.as_deref().unwrap().starts_with("[3/4] RUN seq 1 100"), "{failure:?}");
    assert_eq!(failure.exit_code, Some(42));
    assert_eq!(failure.log_tail.len(), 40);
    assert_eq!(failure.log_tail.last().unwrap(), "the reason");
    let location = failure.location.as_ref().unwrap();
    assert_eq!((location.file.as_str(), location.first_line, location.last_line), ("Dockerfile", 3, 5));
    assert!(location.excerpt.starts_with("RUN seq 1 100"), "{location:?}");
    assert!(!run.error().is_retryable());
    assert!(run.error().to_string().starts_with("Dockerfile:3: `[3/4] RUN seq"), "{}", run.error());
}

async fn a_mistake_in_the_dockerfile_is_shown_with_its_line(daemon: Daemon) {
    let run = daemon.build(&daemon.solve(Files::new(), "FROM busybox\n\nRUM echo NONCE\n")).await;
    let failure = failure(&run);
    let location = failure.location.as_ref().unwrap();
    assert_eq!((location.first_line, failure.step.as_deref()), (3, None));
    assert!(failure.message.contains("unknown instruction: RUM"), "{failure:?}");
    assert_eq!(failure.is_reader_old, daemon == Daemon::OldDocker);
}

async fn a_failure_in_a_very_long_dockerfile_is_shown_too(daemon: Daemon) {
    let comments = "# a line that says nothing much at all, over and over again\n".repeat(5000);
    let run = daemon
        .build(&daemon.solve(Files::new(), &format!("FROM busybox\n{comments}RUN exit 3 NONCE\n")))
        .await;
    let failure = failure(&run);
    assert_eq!((failure.exit_code, failure.location.as_ref().unwrap().first_line), (Some(3), 5002));
}

async fn a_file_that_is_not_there_is_named(daemon: Daemon) {
    let run =
        daemon.build(&daemon.solve(Files::new(), "FROM busybox\nCOPY no/such /\nLABEL a=NONCE\n")).await;
    let failure = failure(&run);
    // The old one stops at the first part of the path that is missing.
    let path = if daemon == Daemon::OldDocker { "no" } else { "no/such" };
    assert_eq!(failure.message, format!("`{path}` is not in the build context"));
    assert_eq!(failure.location.as_ref().unwrap().first_line, 2);
}

async fn a_target_that_does_not_exist_is_named(daemon: Daemon) {
    let solve =
        Solve { target: Some("nope".into()), ..daemon.solve(Files::new(), "FROM busybox\nLABEL a=NONCE\n") };
    let run = daemon.build(&solve).await;
    let failure = failure(&run);
    assert!(failure.message.contains("nope"), "{failure:?}");
    assert_eq!(failure.step, None);
}

async fn a_missing_dockerfile_is_named(daemon: Daemon) {
    let solve = Solve { dockerfile: "api/Dockerfile".into(), ..daemon.solve(Files::new(), "") };
    let run = daemon.build(&solve).await;
    assert!(matches!(run.error(), BuildError::NoDockerfile { path } if path == "api/Dockerfile"));
}

async fn a_base_image_that_does_not_exist_is_named_with_the_line_that_wants_it(daemon: Daemon) {
    let base = format!("{}/no/such:image", registry());
    let run = daemon.build(&daemon.solve(Files::new(), &format!("# NONCE\nFROM {base}\n"))).await;
    let BuildError::Pull(refusal) = run.error() else { panic!("{:?}", run.error()) };
    assert_eq!((refusal.image.as_str(), refusal.reason.as_str()), (base.as_str(), "not found"));
    assert_eq!(refusal.location.as_ref().unwrap().first_line, 2);
    assert!(!run.error().is_retryable());
}

/// Lists what it cannot deliver.
struct Broken {
    delivers: usize,
}

#[async_trait]
impl Source for Broken {
    async fn entries(&self) -> io::Result<Vec<Entry>> {
        let file = |path: &str, size| Entry {
            path: path.to_owned(),
            kind: Kind::File { size, mode: 0o644 },
            modified: Modified::FIXED,
        };
        Ok(vec![file("Dockerfile", 27), file("data", 10)])
    }

    async fn open(&self, path: &str) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        match path {
            "Dockerfile" => Ok(Box::new(&b"FROM scratch\nCOPY data /  \n"[..])),
            _ if self.delivers == 0 => Err(io::Error::other("the disk is on fire")),
            _ => Ok(Box::new(io::Cursor::new(vec![0; self.delivers]))),
        }
    }
}

async fn a_file_that_cannot_be_read_ends_the_build_with_its_name(daemon: Daemon) {
    for (delivers, expected) in
        [(0, "data: the disk is on fire"), (7, "data: it has 7 bytes and was listed with 10")]
    {
        let solve = Solve { context: Arc::new(Broken { delivers }), ..daemon.solve(Files::new(), "") };
        let run = daemon.build(&solve).await;
        let BuildError::Source(error) = run.error() else { panic!("{:?}", run.error()) };
        assert_eq!(error.to_string(), expected);
    }
}

async fn a_cancelled_build_stops_in_the_daemon_too(daemon: Daemon) {
    let marker = nonce();
    // With host networking and process namespaces apart, what shows that it stopped is the lock: a second
    // build of a locked cache mount can only start when the first is gone.
    let locked = |run: &str| {
        format!(
            "FROM busybox\nRUN --mount=type=cache,id={marker},target=/c,sharing=locked {run} && : NONCE\n"
        )
    };
    let cancel = CancellationToken::new();
    let client = daemon.client();
    let first = daemon.solve(Files::new(), &locked("echo begun && sleep 1000"));
    let run = build_at(&client, &first, &cancel, |event| {
        if matches!(event, Progress::Log { line, .. } if line == "begun") {
            cancel.cancel();
        }
    })
    .await;
    assert!(matches!(run.error(), BuildError::Cancelled), "{:?}", run.error());
    let second = daemon.solve(Files::new(), &locked("echo free"));
    let run =
        tokio::time::timeout(Duration::from_mins(2), daemon.build(&second)).await.expect("the lock is free");
    assert_eq!(run.log(), "free\n");
}

#[tokio::test]
async fn what_an_old_engine_does_not_know_yet_is_said_to_be_no_ones_mistake() {
    let daemon = Daemon::OldDocker;
    for steps in
        ["RUN <<EOF\ncat /etc/motd\nEOF\n", "COPY <<EOF /x\nfrom a heredoc\nEOF\n", "COPY --link a /\n"]
    {
        let run =
            daemon.build(&daemon.solve(Files::new().file("a", ""), &format!("FROM busybox\n{steps}"))).await;
        let failure = failure(&run);
        assert!(failure.is_reader_old, "{failure:?}");
        assert!(failure.location.is_some(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_frontend_that_cannot_be_fetched_is_named() {
    let dockerfile = "# syntax=127.0.0.1:1/docker/dockerfile:1\nFROM busybox\nLABEL a=NONCE\n";
    for daemon in [Daemon::OldDocker, Daemon::NewDocker, Daemon::BuildKit] {
        let run = daemon.build(&daemon.solve(Files::new(), dockerfile)).await;
        let BuildError::Pull(refusal) = run.error() else { panic!("{:?}", run.error()) };
        assert_eq!(refusal.image, "127.0.0.1:1/docker/dockerfile:1");
    }
}
