//! A killed server takes up its deploys where they were.

use std::sync::atomic::Ordering;

use hops_model::{CauseCode, DeployState, Environment, Event, HostName, ReleaseNumber, Target};

use crate::platform::{Platform, ROOT, appling, results, shop, target};

#[tokio::test]
async fn a_deploy_that_was_being_built_is_built_again() {
    let platform = Platform::start().await;
    platform.builder.building.close();
    let commit = platform.commit(ROOT, "one").await;
    let deploy = platform.deploy(&commit).await.unwrap();
    platform.wait_for(deploy.id, |event| matches!(event, Event::BuildStarted { .. })).await;
    let platform = platform.restart().await;
    platform.builder.building.let_one_pass();
    assert_eq!(results(&platform.outcome(deploy.id).await), "api live, web live");
    assert_eq!(*platform.builder.built.lock().unwrap(), [commit]);
}

#[tokio::test]
async fn a_deploy_that_was_being_rolled_out_applies_the_same_plan_again() {
    let platform = Platform::start().await;
    let deploy = platform.rolling_out("one").await;
    let platform = platform.restart().await;
    platform.engine.applying.let_one_pass();
    let outcome = platform.outcome(deploy.id).await;
    assert_eq!(outcome.release, Some(ReleaseNumber(1)));
    let applied = platform.engine.applied.lock().unwrap().clone();
    assert_eq!(applied.len(), 2);
    assert_eq!(applied[0], applied[1]);
    assert_eq!(platform.builder.built.lock().unwrap().len(), 1, "nothing is built twice");
    assert_eq!(platform.store.releases(&target(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_deploy_that_brings_the_server_down_is_given_up_after_three_starts() {
    let mut platform = Platform::start().await;
    let deploy = platform.rolling_out("one").await;
    for _ in 0..3 {
        platform = platform.crash().await;
        assert_eq!(platform.control.find_deploy(deploy.id).await.unwrap().state, DeployState::Running);
    }
    platform = platform.crash().await;
    let cause = platform.outcome(deploy.id).await.cause.unwrap();
    assert!(cause.message.contains("ended 4 times during this deploy"), "{cause:?}");
    // Whatever it had begun to bring may be there: nobody else gets its hosts.
    assert!(!platform.store.serving(&target()).await.unwrap().contains_key(&appling("web")));
}

#[tokio::test]
async fn a_server_that_is_stopped_in_order_may_take_a_deploy_up_as_often_as_it_likes() {
    let mut platform = Platform::start().await;
    let deploy = platform.rolling_out("one").await;
    for _ in 0..5 {
        platform = platform.restart().await;
    }
    platform.engine.applying.let_one_pass();
    assert!(platform.outcome(deploy.id).await.is_success());
}

#[tokio::test]
async fn a_panic_ends_the_deploy_and_nothing_else() {
    let platform = Platform::start().await;
    platform.engine.panics.store(true, Ordering::Relaxed);
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    let cause = outcome.cause.as_ref().unwrap();
    assert_eq!(
        (cause.code, cause.message.as_str()),
        (CauseCode::Internal, "HOPS itself failed during the deploy")
    );
    assert_eq!(outcome.release, Some(ReleaseNumber(1)), "it was written");
    platform.engine.panics.store(false, Ordering::Relaxed);
    assert!(platform.deploy_to_end(&platform.commit(ROOT, "two").await).await.is_success());
}

#[tokio::test]
async fn events_that_cannot_be_kept_for_a_while_are_kept_later() {
    let platform = Platform::start().await;
    let deploy = platform.building("one").await;
    platform.store.refuse("events", true).await.unwrap();
    platform.builder.building.let_one_pass();
    // The release is written, its event is not.
    platform.wait_for_release(deploy.id).await;
    platform.store.refuse("events", false).await.unwrap();
    assert!(platform.outcome(deploy.id).await.is_success());
    let expected = ["started", "build-started", "build-started", "released", "rollout", "rollout", "outcome"];
    assert_eq!(platform.kinds(deploy.id).await, expected);
}

#[tokio::test]
async fn a_fault_of_the_state_past_the_release_builds_nothing_twice() {
    let platform = Platform::start().await;
    let deploy = platform.building("one").await;
    platform.store.refuse("plans", true).await.unwrap();
    platform.builder.building.let_one_pass();
    platform.wait_for_release(deploy.id).await;
    platform.store.refuse("plans", false).await.unwrap();
    assert!(platform.outcome(deploy.id).await.is_success());
    assert_eq!(platform.builder.built.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_that_cannot_be_read_ends_the_deploy_and_lets_go_of_nothing() {
    let platform = Platform::start().await;
    let deploy = platform.rolling_out("one").await;
    platform.store.save_plan(deploy.id, &serde_json::json!("of another version")).await.unwrap();
    let platform = platform.restart().await;
    let outcome = platform.outcome(deploy.id).await;
    assert_eq!(outcome.release, Some(ReleaseNumber(1)));
    let host = HostName::parse("web.shop.test.localhost").unwrap();
    let other = Target::new(shop(), Environment::Prod);
    assert!(platform.store.claim_hosts(&other, &[host]).await.is_err(), "half of it may be there");
}

#[tokio::test]
async fn a_queued_deploy_is_done_after_a_restart() {
    let platform = Platform::start().await;
    let first = platform.building("one").await;
    let second = platform.deploy(&platform.commit(ROOT, "two").await).await.unwrap();
    let platform = platform.restart().await;
    platform.builder.building.let_one_pass();
    platform.builder.building.let_one_pass();
    assert_eq!(platform.outcome(first.id).await.release, Some(ReleaseNumber(1)));
    assert_eq!(platform.outcome(second.id).await.release, Some(ReleaseNumber(2)));
}

#[tokio::test]
async fn a_listener_goes_on_after_the_event_it_saw_last() {
    let platform = Platform::start().await;
    let deploy = platform.deploy(&platform.commit(ROOT, "one").await).await.unwrap();
    platform.outcome(deploy.id).await;
    let all = platform.kinds(deploy.id).await;
    let mut rest = Vec::new();
    let mut events = platform.control.events(deploy.id, 3);
    while let Some(event) = futures::StreamExt::next(&mut events).await {
        rest.push(event.unwrap().0);
    }
    let last = u64::try_from(all.len()).unwrap();
    assert_eq!(rest, (4..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_engine_that_was_away_is_tried_again() {
    let platform = Platform::start().await;
    *platform.engine.away.lock().unwrap() = 2;
    let deploy = platform.deploy(&platform.commit(ROOT, "one").await).await.unwrap();
    assert!(platform.outcome(deploy.id).await.is_success());
    let kinds = platform.kinds(deploy.id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "warning").count(), 2);
}

#[tokio::test]
async fn an_engine_that_stays_away_ends_the_deploy_with_its_cause() {
    let platform = Platform::start().await;
    *platform.engine.away.lock().unwrap() = u32::MAX;
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    let cause = outcome.cause.unwrap();
    assert_eq!(cause.code, CauseCode::EngineUnavailable);
    assert_eq!(cause.proof, "connection refused");
}
