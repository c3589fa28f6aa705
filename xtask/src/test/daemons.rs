//! What the tests run against, as far as these tests need it.

use std::thread;

use anyhow::Result;

use super::{Lanes, scope::Scope};
use crate::{
    cluster::{self, Cluster, Environment},
    images, packages, progress,
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
    /// Stops what a run that was interrupted has left: its containers would be in the way.
    pub(super) fn of(scope: &Scope) -> Result<Self> {
        let mut found = Engines::running()?;
        if found.any() && cluster::is_of_tests()? {
            progress::say("an interrupted run of the tests has left what it started");
            cluster::down(false)?;
            found = Engines::running()?;
        }
        Ok(Self {
            wanted: Engines {
                kubernetes: scope.holds_any(&ON_KUBERNETES),
                docker: scope.holds_any(&ON_DOCKER),
            },
            found,
            authority: scope.holds_any(&WITH_AUTHORITY),
            are_users: cluster::is_users()?,
        })
    }

    /// Installs, builds and starts what is missing, as long as it goes on. Gives the way to it, if there is any.
    pub(super) fn start(&self, lanes: &Lanes) -> Result<Option<Environment>> {
        let ended = |error: &anyhow::Error| lanes.end(error);
        if self.authority {
            packages::install(&[packages::TESTS]).inspect_err(ended)?;
        }
        if self.are_users {
            return cluster::up().inspect_err(ended).map(Some);
        }
        if !self.wanted.any() {
            return Ok(None);
        }
        if !self.found.any() {
            cluster::set_of_tests(true)?;
        }
        let base = Cluster::base().inspect_err(ended)?;
        thread::scope(|threads| {
            // Mostly waits for the package mirror, while the next ones compute.
            let images = threads.spawn(|| images::make(&base, &[], &|| lanes.go_on()).inspect_err(ended));
            if self.wanted.docker && lanes.go_on() {
                cluster::up_docker().inspect_err(ended)?;
            }
            if self.wanted.kubernetes && lanes.go_on() {
                cluster::up().inspect_err(ended)?;
            }
            images.join().expect("making images does not panic")
        })?;
        if lanes.go_on() { Environment::current().map(Some) } else { Ok(None) }
    }

    /// Stops what was started.
    pub(super) fn stop(&self) -> Result<()> {
        if self.are_users || !self.wanted.any() {
            return Ok(());
        }
        match self.found {
            Engines { kubernetes: false, docker: false } => cluster::down(false),
            Engines { kubernetes: true, docker: false } => cluster::down_docker(),
            Engines { docker: true, kubernetes } => {
                if self.wanted.kubernetes && !kubernetes {
                    progress::say(
                        "the cluster runs on beside your Docker engines; `cargo xtask cluster down` stops both",
                    );
                }
                Ok(())
            }
        }
    }

    /// Leaves what was started to the user.
    pub(super) fn keep(&self) -> Result<()> {
        if self.found.any() { Ok(()) } else { cluster::set_of_tests(false) }
    }
}

impl Engines {
    fn running() -> Result<Self> {
        Ok(Self { kubernetes: cluster::is_running()?, docker: cluster::is_docker_running()? })
    }

    fn any(&self) -> bool {
        self.kubernetes || self.docker
    }
}
