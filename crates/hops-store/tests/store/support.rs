//! What the tests are written with.

use std::collections::BTreeMap;

use hops_model::{
    AppName, CommitId, Deploy, Desired, DesiredAppling, Environment, ImageRef, Outcome, Release,
    ReleaseNumber, Target, release::Origin,
};
use hops_store::{NewDeploy, Store};
use jiff::Timestamp;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) fn target(app: &str) -> Target {
    Target::new(AppName::parse(app).unwrap(), Environment::Prod)
}

pub(crate) fn commit() -> CommitId {
    CommitId::parse(&"a1".repeat(20)).unwrap()
}

pub(crate) fn new_deploy(target: &Target) -> NewDeploy {
    NewDeploy {
        target: target.clone(),
        origin: Origin::Deploy,
        commit: commit(),
        subject: "Sell more".to_owned(),
        created_at: at(0),
    }
}

pub(crate) async fn enqueue(store: &Store, target: &Target) -> Deploy {
    store.enqueue(&new_deploy(target)).await.unwrap().deploy
}

/// A deploy of the target that runs.
pub(crate) async fn start(store: &Store, target: &Target) -> Deploy {
    let queued = enqueue(store, target).await;
    let running = store.claim(at(1)).await.unwrap().unwrap();
    assert_eq!(running.id, queued.id);
    running
}

pub(crate) fn success(release: Option<ReleaseNumber>) -> Outcome {
    Outcome { release, applings: Vec::new(), cause: None }
}

pub(crate) fn image(digit: &str) -> ImageRef {
    ImageRef::parse(&format!("registry.example/shop@sha256:{}", digit.repeat(64))).unwrap()
}

pub(crate) fn form(name: &str, release: u32) -> DesiredAppling {
    hops_testkit::appling(name, release, image("1"))
}

pub(crate) fn release(target: &Target, number: ReleaseNumber) -> Release {
    Release {
        target: target.clone(),
        number,
        commit: commit(),
        subject: "Sell more".to_owned(),
        created_at: at(2),
        origin: Origin::Deploy,
        files: BTreeMap::new(),
        desired: Desired {
            target: target.clone(),
            release: number,
            commit: commit(),
            applings: vec![form("web", number.0)],
            last_good: BTreeMap::new(),
        },
        failed_builds: BTreeMap::new(),
    }
}
