//! What the tests run against, as far as these tests need it.

use std::thread;

use anyhow::Result;

use super::scope::Scope;
use crate::{
    cluster::{self, Cluster, Environment},
    images, packages,
};

/// Crates whose tests use the cluster.
const ON_KUBERNETES: [&str; 2] = ["hops", "hops-kubernetes"];
/// Crates whose tests use the Docker engines.
const ON_DOCKER: [&str; 4] = ["hops", "hops-build", "hops-buildkit", "hops-docker"];
/// Crates whose tests use a certificate authority.
const WITH_AUTHORITY: [&str; 2] = ["hops", "hops-certificates"];

/// Which of them, and which ran before.
pub(super) struct Daemons {
    wanted: Engines,
    found: Engines,
    authority: bool,
    /// The user's own take the place of all of them.
    are_users: bool,
}

struct Engines {
    kubernetes: bool,
    docker: bool,
}

impl Daemons {
    pub(super) fn of(scope: &Scope) -> Result<Self> {
        Ok(Self {
            wanted: Engines {
                kubernetes: scope.holds_any(&ON_KUBERNETES),
                docker: scope.holds_any(&ON_DOCKER),
            },
            found: Engines { kubernetes: cluster::is_running()?, docker: cluster::is_docker_running()? },
            authority: scope.holds_any(&WITH_AUTHORITY),
            are_users: cluster::is_users()?,
        })
    }

    /// Installs, builds and starts what is missing, as long as it goes on. Gives the way to it, if there is any.
    pub(super) fn start(&self, goes_on: impl Fn() -> bool + Sync) -> Result<Option<Environment>> {
        if self.authority {
            packages::install(&[packages::TESTS])?;
        }
        if self.are_users {
            return cluster::up().map(Some);
        }
        if !self.wanted.any() {
            return Ok(None);
        }
        let base = Cluster::base()?;
        thread::scope(|threads| {
            // Mostly waits for the package mirror, while the next ones compute.
            let images = threads.spawn(|| images::make(&base, &[]));
            if self.wanted.docker && goes_on() {
                cluster::up_docker()?;
            }
            if self.wanted.kubernetes && goes_on() {
                cluster::up()?;
            }
            images.join().expect("making images does not panic")
        })?;
        Environment::current().map(Some)
    }

    /// Stops what was started.
    pub(super) fn stop(&self) -> Result<()> {
        if self.are_users || !self.wanted.any() {
            return Ok(());
        }
        match self.found {
            Engines { kubernetes: false, docker: false } => cluster::down(false),
            Engines { kubernetes: true, docker: false } => cluster::down_docker(),
            Engines { docker: true, .. } => Ok(()),
        }
    }
}

impl Engines {
    fn any(&self) -> bool {
        self.kubernetes || self.docker
    }
}
