//! The database as a file: opened again, locked, copied, foreign.

use std::{error::Error, future::poll_fn, pin::pin, task::Poll};

use hops_model::{DeployState, Event};
use hops_store::{Effect, Store, StoreError};

use crate::support::{at, enqueue, new_deploy, release, start, success, target};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hops.db");
    let shop = target("shop");
    let store = Store::open(&path).await.unwrap();
    let deploy = start(&store, &shop).await;
    store.append_events(deploy.id, std::slice::from_ref(&Event::Queued)).await.unwrap();
    store.save_plan(deploy.id, &serde_json::json!({"steps": []})).await.unwrap();
    let written = store.write_release(deploy.id, |number| release(&shop, number)).await.unwrap();
    drop(store);

    let store = Store::open(&path).await.unwrap();
    let [running] = &store.running().await.unwrap()[..] else { panic!("the deploy is to be taken up") };
    assert_eq!((running.id, running.release), (deploy.id, Some(written.number)));
    assert_eq!(store.plan(deploy.id).await.unwrap(), Some(serde_json::json!({"steps": []})));
    assert_eq!(store.append_events(deploy.id, std::slice::from_ref(&Event::Queued)).await.unwrap(), 2);
}

/// Drops a call after a growing number of polls, so that it is cut off at every one of its awaits.
#[tokio::test]
async fn a_call_that_is_cut_off_happened_as_a_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("hops.db")).await.unwrap();
    let shop = target("shop");
    let (mut cut_off, mut ended_well) = (0, 0);
    // The call has fewer awaits than that; how many of them have to wait differs from time to time.
    for polls in 1..=20 {
        let deploy = start(&store, &shop).await;
        let ended = {
            let mut call = pin!(store.write_release(deploy.id, |number| release(&shop, number)));
            let mut left = polls;
            poll_fn(move |context| match call.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if left == 1 => Poll::Ready(None),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            })
            .await
        };
        // A call that is cut off in its commit may still end well, a moment later. The next write waits for that.
        store.prune_events(100).await.unwrap();
        let number = store.deploy(deploy.id).await.unwrap().unwrap().release;
        let record = store.releases(&shop, 1).await.unwrap().into_iter().find(|row| row.deploy == deploy.id);
        assert_eq!(number, record.map(|row| row.number), "cut off after {polls} polls");
        store.finish(deploy.id, &success(number), &Effect::Nothing, at(2)).await.unwrap();
        match ended {
            Some(_) => ended_well += 1,
            None => cut_off += 1,
        }
    }
    assert!(cut_off > 0 && ended_well > 0, "{cut_off} cut off, {ended_well} ended");
}

#[tokio::test]
async fn a_database_is_one_servers_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hops.db");
    let first = Store::open(&path).await.unwrap();
    let clone = first.clone();
    assert!(matches!(Store::open(&path).await, Err(StoreError::InUse { .. })));
    drop(first);
    assert!(matches!(Store::open(&path).await, Err(StoreError::InUse { .. })));
    drop(clone);
    let third = Store::open(&path).await.unwrap();
    let clone = third.clone();
    third.close().await.unwrap();
    Store::open(&path).await.unwrap();
    assert!(clone.running().await.is_err(), "a closed store stays closed");
}

#[tokio::test]
async fn a_backup_is_a_database_of_its_own_and_overwrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.db");
    let store = Store::open(&directory.path().join("hops.db")).await.unwrap();
    let deploy = enqueue(&store, &target("shop")).await;
    store.backup(&copy).await.unwrap();
    assert!(matches!(store.backup(&copy).await, Err(StoreError::Open { .. })));

    let copy = Store::open(&copy).await.unwrap();
    assert_eq!(copy.deploy(deploy.id).await.unwrap(), Some(deploy.clone()));
    store.claim(at(1)).await.unwrap();
    assert_eq!(copy.deploy(deploy.id).await.unwrap().unwrap().state, DeployState::Queued);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hops.db");
    std::fs::write(&path, "a".repeat(8192)).unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");

    let error = Store::open(&directory.path().join("missing/hops.db")).await.unwrap_err();
    assert!(error.to_string().contains("missing/hops.db"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn the_file_stays_flat_over_many_deploys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hops.db");
    let store = Store::open(&path).await.unwrap();
    let shop = target("shop");
    let mut sizes = Vec::new();
    for round in 1..=60 {
        let deploy = start(&store, &shop).await;
        for _ in 0..100 {
            let event = Event::Warning { message: "x".repeat(200) };
            store.append_events(deploy.id, std::slice::from_ref(&event)).await.unwrap();
        }
        store.finish(deploy.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
        store.prune_events(5).await.unwrap();
        if round % 20 == 0 {
            let copy = directory.path().join(format!("{round}.db"));
            store.backup(&copy).await.unwrap();
            sizes.push(std::fs::metadata(&copy).unwrap().len());
        }
    }
    assert!(sizes[2] < sizes[0] * 11 / 10, "{sizes:?}");
    assert_eq!(store.enqueue(&new_deploy(&shop)).await.unwrap().deploy.id.0, 61);
}
