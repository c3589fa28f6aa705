//! Starting a build and looking at what came of it.

use std::sync::Arc;

use hops_buildkit::{Address, BuildError, Built, Client, Files, Image, Progress, Solve, Source};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What happened in one build.
pub(crate) struct Run {
    pub(crate) result: Result<Built, BuildError>,
    pub(crate) events: Vec<Progress>,
}

impl Run {
    pub(crate) fn built(&self) -> &Built {
        match &self.result {
            Ok(built) => built,
            Err(error) => panic!("the build failed: {error:?}\n{:#?}", self.events),
        }
    }

    pub(crate) fn error(&self) -> &BuildError {
        self.result.as_ref().expect_err("the build should have failed")
    }

    /// Every line that any step printed.
    pub(crate) fn log(&self) -> String {
        let line = |event: &Progress| match event {
            Progress::Log { line, .. } => Some(format!("{line}\n")),
            _ => None,
        };
        self.events.iter().filter_map(line).collect()
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run these tests with `cargo xtask test`, which starts what they need")
    })
}

pub(crate) fn address() -> Address {
    Address::parse(&variable("HOPS_TEST_BUILDKIT")).expect("HOPS_TEST_BUILDKIT is an address")
}

pub(crate) fn registry() -> String {
    variable("HOPS_TEST_REGISTRY")
}

/// A word that no other test run used: what contains it is in no cache.
pub(crate) fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A build that pushes to the test registry, of files with `NONCE` in the Dockerfile replaced.
pub(crate) fn solve(files: Files, dockerfile: &str) -> Solve {
    let nonce = nonce();
    let dockerfile = dockerfile.replace("NONCE", &nonce);
    let names = vec![format!("{}/hops-buildkit/test:{nonce}", registry())];
    let context: Arc<dyn Source> = Arc::new(files.file("Dockerfile", dockerfile));
    Solve { shared_key: nonce, ..Solve::new(context, Image { names, push: true, insecure: true }) }
}

pub(crate) async fn build(solve: &Solve) -> Run {
    build_at(&Client::new(address()), solve, &CancellationToken::new(), |_| {}).await
}

/// Builds and shows each event as it comes.
pub(crate) async fn build_at(
    client: &Client,
    solve: &Solve,
    cancel: &CancellationToken,
    mut see: impl FnMut(&Progress),
) -> Run {
    let (sender, mut receiver) = mpsc::channel(16);
    let watch = async {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            see(&event);
            events.push(event);
        }
        events
    };
    let (result, events) = tokio::join!(client.solve(solve, sender, cancel), watch);
    Run { result, events }
}
