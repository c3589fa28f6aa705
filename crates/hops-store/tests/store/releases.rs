use std::sync::atomic::{AtomicBool, Ordering};

use hops_model::{DeployId, ReleaseNumber};
use hops_store::{Effect, Store, StoreError};

use crate::support::{at, release, start, success, target};

#[tokio::test]
async fn releases_are_counted_from_one_for_each_target() {
    let store = Store::memory().await.unwrap();
    for (app, expected) in [("shop", 1), ("shop", 2), ("blog", 1), ("shop", 3)] {
        let target = target(app);
        let deploy = start(&store, &target).await;
        let written = store.write_release(deploy.id, |number| release(&target, number)).await.unwrap();
        assert_eq!(written.number, ReleaseNumber(expected));
        assert_eq!(store.deploy(deploy.id).await.unwrap().unwrap().release, Some(written.number));
        assert_eq!(store.release(&target, written.number).await.unwrap(), Some(written));
        store
            .finish(deploy.id, &success(Some(ReleaseNumber(expected))), &Effect::Nothing, at(3))
            .await
            .unwrap();
    }
    assert_eq!(store.release(&target("blog"), ReleaseNumber(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_deploy_that_is_taken_up_again_keeps_its_release() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    let deploy = start(&store, &shop).await;
    let first = store.write_release(deploy.id, |number| release(&shop, number)).await.unwrap();

    let made_again = AtomicBool::new(false);
    let second = store.write_release(deploy.id, |number| {
        made_again.store(true, Ordering::Relaxed);
        release(&shop, number)
    });
    assert_eq!(second.await.unwrap(), first);
    assert!(!made_again.load(Ordering::Relaxed));
    assert_eq!(store.releases(&shop, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_release_needs_a_deploy_that_goes_on() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    let missing = store.write_release(DeployId(9), |number| release(&shop, number)).await;
    assert!(matches!(missing, Err(StoreError::DeployMissing(DeployId(9)))));

    let deploy = start(&store, &shop).await;
    store.finish(deploy.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
    let late = store.write_release(deploy.id, |number| release(&shop, number)).await;
    assert!(matches!(late, Err(StoreError::DeployFinished(_))));
}

#[tokio::test]
async fn releases_are_listed_newest_first_with_how_they_went() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    for second in [10, 20] {
        let deploy = start(&store, &shop).await;
        let written = store.write_release(deploy.id, |number| release(&shop, number)).await.unwrap();
        store.finish(deploy.id, &success(Some(written.number)), &Effect::Nothing, at(second)).await.unwrap();
    }
    let running = start(&store, &shop).await;
    store.write_release(running.id, |number| release(&shop, number)).await.unwrap();

    let listed = store.releases(&shop, 2).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.number.0).collect::<Vec<_>>(), [3, 2]);
    assert_eq!((listed[0].deploy, &listed[0].outcome, listed[0].finished_at), (running.id, &None, None));
    assert_eq!(listed[1].outcome, Some(success(Some(ReleaseNumber(2)))));
    assert_eq!(listed[1].finished_at, Some(at(20)));
}
