//! A removal and deploys of the same target keep out of each other's way.

use std::{sync::Arc, time::Duration};

use hops_control::{ControlError, Fault};
use hops_model::{DeployState, Event};
use hops_store::StoreError;

use crate::{
    doubles::TestEngine,
    platform::{Platform, ROOT, results, target},
};

async fn until_removing(engine: &Arc<TestEngine>, times: usize) {
    while engine.removed.lock().unwrap().len() < times {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A platform with a release, of which a removal is on its way.
async fn removing() -> Platform {
    let platform = Platform::start().await;
    let commit = platform.commit(ROOT, "one").await;
    platform.deploy_to_end(&commit).await;
    platform.engine.removing.close();
    platform
}

#[tokio::test]
async fn a_deploy_waits_for_the_removal_and_is_then_the_first() {
    let platform = removing().await;
    let shop = target();
    let remove = platform.control.remove(&shop);
    let meanwhile = async {
        until_removing(&platform.engine, 1).await;
        let deploy = platform.deploy(&platform.commit(ROOT, "two").await).await.unwrap();
        platform.wait_for(deploy.id, |event| matches!(event, Event::Queued)).await;
        let again = platform.control.remove(&target()).await.unwrap_err();
        assert!(matches!(again, ControlError::Store(StoreError::Busy { .. })), "{again}");
        assert_eq!(platform.control.find_deploy(deploy.id).await.unwrap().state, DeployState::Queued);
        assert_eq!(platform.engine.applied.lock().unwrap().len(), 1, "nothing is done meanwhile");
        platform.engine.removing.let_one_pass();
        deploy
    };
    let (removed, deploy) = tokio::join!(remove, meanwhile);
    removed.unwrap();
    assert_eq!(results(&platform.outcome(deploy.id).await), "api live, web live");
    let releases = platform.store.releases(&target(), 10).await.unwrap();
    assert_eq!(releases.len(), 1, "of what was removed nothing is left, and of what came nothing is lost");
}

#[tokio::test]
async fn one_removal_is_done_at_a_time() {
    let platform = removing().await;
    let shop = target();
    let (remove, meanwhile) = (platform.control.remove(&shop), async {
        until_removing(&platform.engine, 1).await;
        let again = platform.control.remove(&target()).await.unwrap_err();
        assert_eq!(again.fault(), Fault::Conflict);
        assert_eq!(again.to_string(), format!("{} is being removed already", target()));
        platform.engine.removing.let_one_pass();
    });
    let (removed, ()) = tokio::join!(remove, meanwhile);
    removed.unwrap();
}

#[tokio::test]
async fn a_removal_goes_on_when_nobody_waits_for_it_and_after_a_restart() {
    let platform = removing().await;
    let shop = target();
    // The client hangs up.
    tokio::select! {
        removed = platform.control.remove(&shop) => panic!("the engine has not let it pass: {removed:?}"),
        () = until_removing(&platform.engine, 1) => {}
    }
    let platform = platform.crash().await;
    until_removing(&platform.engine, 2).await;
    // The engine is away for a moment.
    *platform.engine.away.lock().unwrap() = 1;
    platform.engine.removing.let_one_pass();
    until_removing(&platform.engine, 3).await;
    platform.engine.removing.let_one_pass();
    while !platform.store.removals().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(platform.store.releases(&target(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removal_that_fails_leaves_what_is_known() {
    let platform = removing().await;
    *platform.engine.away.lock().unwrap() = 1;
    platform.engine.removing.let_one_pass();
    let error = platform.control.remove(&target()).await.unwrap_err();
    assert!(matches!(error, ControlError::Engine(_)), "{error}");
    assert_eq!(platform.store.releases(&target(), 10).await.unwrap().len(), 1);
    let commit = platform.commit(ROOT, "two").await;
    assert!(platform.deploy_to_end(&commit).await.is_success());
}
