//! The release stage: what is about to be put into effect is written down.

use std::collections::BTreeMap;

use hops_model::{Cause, Desired, HostName, Release, ReleaseNumber, release::Origin};
use hops_store::StoreError;
use jiff::Timestamp;

use super::{Job, Stop, build::Built};
use crate::{ControlError, checked::Checked, desire::Wish};

impl Job {
    /// Writes the release of a commit that was built.
    pub(super) async fn write_deploy(&self, checked: &Checked, built: Built) -> Result<Release, Stop> {
        let target = &self.deploy.target;
        let commit = &self.deploy.commit;
        let wish = Wish::new(&checked.app, target, commit, built.images, &self.parts.hosts)
            .map_err(|error| Cause::from(&error))?;
        self.claim(&wish.hosts()).await?;
        let good = self.parts.store.serving(target).await?;
        let release = self
            .parts
            .store
            .write_release(self.deploy.id, |number| Release {
                target: target.clone(),
                number,
                commit: commit.clone(),
                subject: checked.subject.clone(),
                created_at: Timestamp::now(),
                origin: Origin::Deploy,
                files: checked.files.clone(),
                desired: wish.desired(number, &good),
                failed_builds: built.failed,
            })
            .await?;
        Ok(release)
    }

    /// Writes a release that puts a former one into effect again.
    pub(super) async fn write_rollback(&self, to: ReleaseNumber) -> Result<Release, Stop> {
        let target = &self.deploy.target;
        let former = self
            .parts
            .store
            .release(target, to)
            .await?
            .ok_or_else(|| ControlError::NoSuchRelease { target: target.clone(), number: to })?;
        let hosts: Vec<HostName> =
            former.desired.applings.iter().flat_map(|appling| appling.routes.clone()).collect();
        self.claim(&hosts).await?;
        let good = self.parts.store.serving(target).await?;
        let release = self
            .parts
            .store
            .write_release(self.deploy.id, |number| {
                let differing = former
                    .desired
                    .applings
                    .iter()
                    .filter_map(|appling| good.get(&appling.name).filter(|good| *good != appling));
                let last_good = differing.map(|good| (good.name.clone(), good.clone())).collect();
                Release {
                    number,
                    created_at: Timestamp::now(),
                    origin: Origin::Rollback { to },
                    failed_builds: BTreeMap::new(),
                    desired: Desired { release: number, last_good, ..former.desired.clone() },
                    ..former.clone()
                }
            })
            .await?;
        Ok(release)
    }

    async fn claim(&self, hosts: &[HostName]) -> Result<(), Stop> {
        let claimed = self.parts.store.claim_hosts(&self.deploy.target, hosts).await;
        claimed.map_err(|error| match error {
            error @ StoreError::HostTaken { .. } => Cause::from(&error).into(),
            error => error.into(),
        })
    }
}
