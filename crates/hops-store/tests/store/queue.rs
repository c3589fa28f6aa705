use std::{collections::BTreeSet, sync::Arc};

use hops_model::{CauseCode, DeployId, DeployState, Event, ReleaseNumber, release::Origin};
use hops_store::{Effect, NewDeploy, Store, StoreError};
use tokio::{sync::Barrier, task::JoinSet};

use crate::support::{at, enqueue, new_deploy, release, start, success, target};

#[tokio::test]
async fn a_deploy_is_cancelled_or_gets_its_release_and_never_both() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    let first = start(&store, &shop).await;
    assert!(store.request_cancel(first.id).await.unwrap());
    assert!(store.cancel_is_requested(first.id).await.unwrap());
    let written = store.write_release(first.id, |number| release(&shop, number)).await;
    assert!(matches!(written, Err(StoreError::DeployCancelled(id)) if id == first.id));
    store.finish(first.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
    assert!(!store.request_cancel(first.id).await.unwrap());

    let second = start(&store, &shop).await;
    store.write_release(second.id, |number| release(&shop, number)).await.unwrap();
    assert!(!store.request_cancel(second.id).await.unwrap());
    assert!(!store.cancel_is_requested(second.id).await.unwrap());
}

#[tokio::test]
async fn it_is_counted_how_often_a_deploy_is_taken_up_after_a_crash() {
    let store = Store::memory().await.unwrap();
    let deploy = start(&store, &target("shop")).await;
    assert_eq!(store.take_up(deploy.id).await.unwrap(), 1);
    assert_eq!(store.take_up(deploy.id).await.unwrap(), 2);
    store.stop_in_order().await.unwrap();
    assert_eq!(store.take_up(deploy.id).await.unwrap(), 1);
}

#[tokio::test]
async fn a_deploy_is_read_back_as_it_was_asked_for() {
    let store = Store::memory().await.unwrap();
    let origin = Origin::Rollback { to: ReleaseNumber(7) };
    let new = NewDeploy { origin, ..new_deploy(&target("shop")) };
    let enqueued = store.enqueue(&new).await.unwrap();

    assert!(enqueued.replaced.is_empty());
    let deploy = store.deploy(enqueued.deploy.id).await.unwrap().unwrap();
    assert_eq!(deploy, enqueued.deploy);
    assert_eq!((deploy.target, deploy.origin, deploy.commit), (new.target, new.origin, new.commit));
    assert_eq!((deploy.state, deploy.created_at), (DeployState::Queued, new.created_at));
    assert_eq!((deploy.release, deploy.outcome, deploy.finished_at), (None, None, None));
}

#[tokio::test]
async fn a_deploy_that_has_not_started_is_replaced_by_the_next() {
    let store = Store::memory().await.unwrap();
    let first = enqueue(&store, &target("shop")).await;
    let other = enqueue(&store, &target("blog")).await;
    let second = store.enqueue(&new_deploy(&target("shop"))).await.unwrap();

    assert_eq!(second.replaced, [first.id]);
    let replaced = store.deploy(first.id).await.unwrap().unwrap();
    let cause = replaced.outcome.clone().unwrap().cause.unwrap();
    assert_eq!(cause.code, CauseCode::Cancelled);
    assert!(cause.message.contains(&format!("replaced by deploy {}", second.deploy.id)), "{cause}");
    let events = store.events_after(first.id, 0, 10).await.unwrap();
    assert_eq!(events, [(1, Event::Outcome(replaced.outcome.unwrap()))]);
    assert_eq!(store.deploy(other.id).await.unwrap().unwrap().state, DeployState::Queued);
}

#[tokio::test]
async fn a_running_deploy_is_not_replaced_but_waited_for() {
    let store = Store::memory().await.unwrap();
    let first = start(&store, &target("shop")).await;
    let second = store.enqueue(&new_deploy(&target("shop"))).await.unwrap();

    assert!(second.replaced.is_empty());
    assert_eq!(store.claim(at(2)).await.unwrap(), None);
    store.finish(first.id, &success(None), &Effect::Nothing, at(3)).await.unwrap();
    assert_eq!(store.claim(at(4)).await.unwrap().unwrap().id, second.deploy.id);
}

#[tokio::test]
async fn deploys_of_different_targets_run_side_by_side_oldest_first() {
    let store = Store::memory().await.unwrap();
    let shop = enqueue(&store, &target("shop")).await;
    let blog = enqueue(&store, &target("blog")).await;

    assert_eq!(store.claim(at(1)).await.unwrap().unwrap().id, shop.id);
    assert_eq!(store.claim(at(1)).await.unwrap().unwrap().id, blog.id);
    let running: Vec<DeployId> = store.running().await.unwrap().iter().map(|deploy| deploy.id).collect();
    assert_eq!(running, [shop.id, blog.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_claims_at_once_each_deploy_goes_to_one_and_no_target_runs_twice() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("hops.db")).await.unwrap();
    let running = start(&store, &target("app0")).await;
    for number in 0..8 {
        enqueue(&store, &target(&format!("app{number}"))).await;
    }

    let barrier = Arc::new(Barrier::new(32));
    let mut claims = JoinSet::new();
    for _ in 0..32 {
        let (store, barrier) = (store.clone(), barrier.clone());
        claims.spawn(async move {
            barrier.wait().await;
            store.claim(at(2)).await.unwrap()
        });
    }
    let won: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    let targets: BTreeSet<_> = won.iter().map(|deploy| deploy.target.clone()).collect();
    assert_eq!(won.len(), 7, "every waiting deploy but that of the busy target");
    assert_eq!(targets.len(), 7);
    assert!(!targets.contains(&running.target));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_deploys_asked_for_at_once_one_waits_and_the_others_are_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("hops.db")).await.unwrap();
    let mut asked = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        asked.spawn(async move { enqueue(&store, &target("shop")).await });
    }
    let ids: BTreeSet<DeployId> = asked.join_all().await.into_iter().map(|deploy| deploy.id).collect();

    assert_eq!(ids.len(), 16, "every deploy has a number of its own");
    let deploys = store.deploys(&target("shop"), 100).await.unwrap();
    let waiting: Vec<_> = deploys.iter().filter(|deploy| deploy.state == DeployState::Queued).collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(Some(&waiting[0].id), ids.last());
}

#[tokio::test]
async fn a_deploy_ends_once_and_its_first_outcome_stands() {
    let store = Store::memory().await.unwrap();
    let deploy = start(&store, &target("shop")).await;
    store.append_events(deploy.id, std::slice::from_ref(&Event::Queued)).await.unwrap();

    assert_eq!(store.finish(deploy.id, &success(None), &Effect::Nothing, at(5)).await.unwrap(), 2);
    let again = store.finish(deploy.id, &success(Some(ReleaseNumber(1))), &Effect::Nothing, at(6)).await;
    assert!(matches!(again, Err(StoreError::DeployFinished(id)) if id == deploy.id));

    let ended = store.deploy(deploy.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.outcome), (DeployState::Finished, Some(success(None))));
    assert_eq!(ended.finished_at, Some(at(5)));
    let missing = store.finish(DeployId(99), &success(None), &Effect::Nothing, at(6)).await;
    assert!(matches!(missing, Err(StoreError::DeployMissing(DeployId(99)))));
}

#[tokio::test]
async fn a_waiting_deploy_is_withdrawn_a_started_one_is_not() {
    let store = Store::memory().await.unwrap();
    let running = start(&store, &target("shop")).await;
    let waiting = enqueue(&store, &target("shop")).await;

    assert!(store.withdraw(waiting.id, &success(None), at(2)).await.unwrap());
    assert!(!store.withdraw(running.id, &success(None), at(2)).await.unwrap());
    assert_eq!(store.deploy(waiting.id).await.unwrap().unwrap().state, DeployState::Finished);
    assert_eq!(store.deploy(running.id).await.unwrap().unwrap().state, DeployState::Running);
}

#[tokio::test]
async fn the_last_deploys_of_a_target_are_listed_newest_first() {
    let store = Store::memory().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let deploy = start(&store, &target("shop")).await;
        store.finish(deploy.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
        ids.insert(0, deploy.id);
    }
    enqueue(&store, &target("blog")).await;
    let listed = store.deploys(&target("shop"), 2).await.unwrap();
    assert_eq!(listed.iter().map(|deploy| deploy.id).collect::<Vec<_>>(), ids[..2]);
}

#[tokio::test]
async fn a_plan_is_kept_until_its_deploy_has_ended() {
    let store = Store::memory().await.unwrap();
    let deploy = start(&store, &target("shop")).await;
    assert_eq!(store.plan(deploy.id).await.unwrap(), None);
    for plan in [serde_json::json!({"steps": []}), serde_json::json!({"steps": [1]})] {
        store.save_plan(deploy.id, &plan).await.unwrap();
        assert_eq!(store.plan(deploy.id).await.unwrap(), Some(plan));
    }
    store.finish(deploy.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
    let late = store.save_plan(deploy.id, &serde_json::json!({})).await;
    assert!(matches!(late, Err(StoreError::DeployFinished(_))));
}
