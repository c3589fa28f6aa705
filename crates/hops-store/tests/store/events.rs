use hops_model::{DeployId, Event};
use hops_store::{Effect, Store, StoreError};
use tokio::task::JoinSet;

use crate::support::{at, enqueue, start, success, target};

fn warning(text: &str) -> Event {
    Event::Warning { message: text.to_owned() }
}

#[tokio::test]
async fn events_are_counted_from_one_for_each_deploy_and_read_from_any_of_them_on() {
    let store = Store::memory().await.unwrap();
    let shop = enqueue(&store, &target("shop")).await.id;
    let blog = enqueue(&store, &target("blog")).await.id;
    for number in 1..=3 {
        assert_eq!(
            store.append_events(shop, std::slice::from_ref(&warning(&format!("w{number}")))).await.unwrap(),
            number
        );
    }
    assert_eq!(store.append_events(blog, std::slice::from_ref(&Event::Queued)).await.unwrap(), 1);

    let after = store.events_after(shop, 1, 10).await.unwrap();
    assert_eq!(after, [(2, warning("w2")), (3, warning("w3"))]);
    assert_eq!(store.events_after(shop, 0, 1).await.unwrap(), [(1, warning("w1"))]);
    assert_eq!(store.events_after(shop, 3, 10).await.unwrap(), []);
    assert_eq!(store.events_after(shop, u64::MAX, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_added_at_once_leave_no_gap() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("hops.db")).await.unwrap();
    let deploy = enqueue(&store, &target("shop")).await.id;
    let mut appends = JoinSet::new();
    for _ in 0..40 {
        let store = store.clone();
        appends.spawn(async move {
            store.append_events(deploy, std::slice::from_ref(&Event::Queued)).await.unwrap()
        });
    }
    let mut sequences = appends.join_all().await;
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=40).collect::<Vec<u64>>());
}

#[tokio::test]
async fn no_event_follows_the_outcome() {
    let store = Store::memory().await.unwrap();
    let deploy = start(&store, &target("shop")).await.id;
    store.finish(deploy, &success(None), &Effect::Nothing, at(2)).await.unwrap();
    assert!(matches!(
        store.append_events(deploy, std::slice::from_ref(&Event::Queued)).await,
        Err(StoreError::DeployFinished(_))
    ));
    let missing = store.append_events(DeployId(99), std::slice::from_ref(&Event::Queued)).await;
    assert!(matches!(missing, Err(StoreError::DeployMissing(DeployId(99)))));
}

#[tokio::test]
async fn old_events_are_forgotten_but_for_the_outcome() {
    let store = Store::memory().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let deploy = start(&store, &target("shop")).await.id;
        store.save_plan(deploy, &serde_json::json!({})).await.unwrap();
        store.append_events(deploy, std::slice::from_ref(&Event::Queued)).await.unwrap();
        store.finish(deploy, &success(None), &Effect::Nothing, at(2)).await.unwrap();
        ids.push(deploy);
    }
    let running = start(&store, &target("blog")).await.id;
    store.append_events(running, std::slice::from_ref(&Event::Queued)).await.unwrap();
    store.append_events(running, std::slice::from_ref(&Event::Queued)).await.unwrap();

    store.prune_events(1).await.unwrap();
    for old in &ids[..2] {
        assert_eq!(store.events_after(*old, 0, 10).await.unwrap(), [(2, Event::Outcome(success(None)))]);
        assert_eq!(store.plan(*old).await.unwrap(), None);
        assert!(store.deploy(*old).await.unwrap().is_some());
    }
    assert_eq!(store.events_after(ids[2], 0, 10).await.unwrap().len(), 2);
    assert!(store.plan(ids[2]).await.unwrap().is_some());

    store.prune_events(0).await.unwrap();
    assert_eq!(store.events_after(running, 0, 10).await.unwrap().len(), 2, "it has not ended");
}
