//! Starting a build and looking at what came of it.

use std::sync::Arc;

use hops_buildkit::{Address, BuildError, Built, Client, Destination, Files, Image, Progress, Solve, Source};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Makes of each function a test for each daemon, in a module of the daemon's name.
macro_rules! on_every_daemon {
    ($($test:ident)+) => {
        crate::support::on!(buildkit BuildKit: $($test)+);
        crate::support::on!(old_docker OldDocker: $($test)+);
        crate::support::on!(new_docker NewDocker: $($test)+);
    };
}

/// As [`on_every_daemon`], for what Debian's Docker engine is too old for.
macro_rules! on_recent_daemons {
    ($($test:ident)+) => {
        mod recent {
            use super::*;
            crate::support::on!(buildkit BuildKit: $($test)+);
            crate::support::on!(new_docker NewDocker: $($test)+);
        }
    };
}

macro_rules! on {
    ($module:ident $daemon:ident: $($test:ident)+) => {
        mod $module {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::support::Daemon::$daemon).await;
            })+
        }
    };
}

pub(crate) use {on, on_every_daemon, on_recent_daemons};

/// What builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// A `buildkitd` of its own, which pushes to the test registry.
    BuildKit,
    /// The one inside Debian's Docker engine, with the classic store.
    OldDocker,
    /// The one inside a current Docker engine, with the containerd store.
    NewDocker,
}

impl Daemon {
    pub(crate) fn is_docker(self) -> bool {
        self != Self::BuildKit
    }

    pub(crate) fn address(self) -> Address {
        let (name, scheme) = match self {
            Self::BuildKit => ("HOPS_TEST_BUILDKIT", ""),
            Self::OldDocker => ("HOPS_TEST_DOCKER_OLD", "docker"),
            Self::NewDocker => ("HOPS_TEST_DOCKER_NEW", "docker"),
        };
        let value = variable(name);
        let address = match value.strip_prefix("unix") {
            Some(rest) if self.is_docker() => format!("{scheme}{rest}"),
            _ => value,
        };
        Address::parse(&address).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn client(self) -> Client {
        Client::new(self.address())
    }

    /// The base image. The `buildkitd` is told where Docker Hub's are; the engines are not.
    pub(crate) fn busybox(self) -> String {
        if self.is_docker() { format!("{}/library/busybox", registry()) } else { "busybox".to_owned() }
    }

    /// Where its images go.
    pub(crate) fn destination(self) -> Destination {
        if self.is_docker() { Destination::Engine } else { Destination::Registry { insecure: true } }
    }

    /// A build of files, whose image is kept under a name of its own. In the Dockerfile `NONCE` is replaced.
    pub(crate) fn solve(self, files: Files, dockerfile: &str) -> Solve {
        let nonce = nonce();
        let host = if self.is_docker() { "hops.local".to_owned() } else { registry() };
        let dockerfile = dockerfile.replace("NONCE", &nonce).replace("busybox", &self.busybox());
        let image = Image {
            names: vec![format!("{host}/hops-buildkit/test:{nonce}")],
            destination: self.destination(),
        };
        let context: Arc<dyn Source> = Arc::new(files.file("Dockerfile", dockerfile));
        Solve { shared_key: nonce, ..Solve::new(context, image) }
    }

    pub(crate) async fn build(self, solve: &Solve) -> Run {
        build_at(&self.client(), solve, &CancellationToken::new(), |_| {}).await
    }
}

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

pub(crate) fn registry() -> String {
    variable("HOPS_TEST_REGISTRY")
}

/// A word that no other test run used: what contains it is in no cache.
pub(crate) fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
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
