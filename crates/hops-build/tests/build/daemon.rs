//! What builds.

use crate::{engine::Engine, shop::nonce};

/// Makes of each function a test for each daemon, in a module of the daemon's name.
macro_rules! on_every_daemon {
    ($($test:ident)+) => {
        crate::daemon::on!(buildkit BuildKit: $($test)+);
        crate::daemon::on!(old_docker OldDocker: $($test)+);
        crate::daemon::on!(new_docker NewDocker: $($test)+);
    };
}

macro_rules! on {
    ($module:ident $daemon:ident: $($test:ident)+) => {
        mod $module {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::daemon::Daemon::$daemon).await;
            })+
        }
    };
}

pub(crate) use {on, on_every_daemon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// A `buildkitd` of its own, with a registry.
    BuildKit,
    /// The one inside Debian's Docker engine, with the classic store.
    OldDocker,
    /// The one inside a current Docker engine, with the containerd store.
    NewDocker,
}

impl Daemon {
    /// As in [`hops_build::Settings::buildkit`].
    pub(crate) fn address(self) -> String {
        match self.socket() {
            Some(socket) => format!("docker://{socket}"),
            None => variable("HOPS_TEST_BUILDKIT"),
        }
    }

    /// The engine that it is inside of.
    pub(crate) fn engine(self) -> Option<Engine> {
        self.socket().map(Engine::new)
    }

    fn socket(self) -> Option<String> {
        let name = match self {
            Self::BuildKit => return None,
            Self::OldDocker => "HOPS_TEST_DOCKER_OLD",
            Self::NewDocker => "HOPS_TEST_DOCKER_NEW",
        };
        let address = variable(name);
        Some(address.strip_prefix("unix://").expect("the engine listens on a socket").to_owned())
    }

    /// The base image. The `buildkitd` is told where Docker Hub's are; the engines are not.
    pub(crate) fn busybox(self) -> String {
        match self {
            Self::BuildKit => "busybox".to_owned(),
            Self::OldDocker | Self::NewDocker => {
                format!("{}/library/busybox", variable("HOPS_TEST_REGISTRY"))
            }
        }
    }

    /// A Dockerfile whose steps are in no cache.
    pub(crate) fn dockerfile(self, steps: &str) -> String {
        let steps = steps.replace("FROM busybox", &format!("FROM {}", self.busybox()));
        format!("FROM {}\nRUN echo {}\n{steps}\n", self.busybox(), nonce())
    }
}

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run these tests with `cargo xtask test`, which starts what they need")
    })
}
