//! A server that dies before any of its writes has lost nothing and done nothing twice.
//!
//! Every test does the same again and again, each time one write further, until the server lives to the end of it.

use std::collections::BTreeMap;

use hops_control::ControlError;
use hops_model::{AppName, ApplingName, CommitId, Deploy, Outcome, ReleaseNumber, Target};
use hops_store::StoreError;

use crate::platform::{Platform, ROOT, appling, results, target};

/// A platform whose first release serves, and the commit of the next.
async fn serving() -> (Platform, CommitId) {
    let platform = Platform::start().await;
    let first = platform.commit(ROOT, "one").await;
    assert!(platform.deploy_to_end(&first).await.is_success());
    let next = platform.commit(ROOT, "two").await;
    (platform, next)
}

/// Begins a deploy on a server that dies before it writes a number of times more, and ends it after a start. Gives the
/// platform, the outcome where the deploy was taken at all, and whether the server died.
async fn die_in<F: AsyncFnOnce(&Platform) -> Result<Deploy, ControlError>>(
    platform: Platform,
    writes: u32,
    begin: F,
) -> (Platform, Option<Outcome>, bool) {
    let mut died = platform.store.die_after(writes).await.unwrap();
    let begun = begin(&platform).await;
    if let Ok(deploy) = &begun {
        tokio::select! {
            _ = platform.outcome(deploy.id) => {}
            _ = died.wait_for(|died| *died) => {}
        }
    }
    let has_died = *died.borrow();
    let platform = platform.crash().await;
    let outcome = match begun {
        Ok(deploy) => Some(platform.outcome(deploy.id).await),
        // Whoever asked was told so.
        Err(error) => {
            assert!(has_died && matches!(error, ControlError::Store(_)), "{error}");
            None
        }
    };
    (platform, outcome, has_died)
}

/// What has to hold whenever nothing is under way.
async fn check(platform: &Platform, releases: u32) {
    assert!(platform.store.running().await.unwrap().is_empty());
    let written = platform.store.releases(&target(), 10).await.unwrap();
    let numbers: Vec<u32> = written.iter().map(|row| row.number.0).collect();
    assert_eq!(numbers, (1..=releases).rev().collect::<Vec<_>>());
    for row in &written {
        let events = platform.kinds(row.deploy).await;
        assert_eq!(events.iter().filter(|kind| *kind == "outcome").count(), 1, "{events:?}");
        assert_eq!(events.last().map(String::as_str), Some("outcome"));
    }
    // However often a plan was applied, it was the same one.
    let mut plans = BTreeMap::new();
    for plan in platform.engine.applied.lock().unwrap().iter() {
        assert_eq!(plans.entry(plan.release).or_insert_with(|| plan.clone()), plan);
    }
    // What serves has its hosts, and nobody else gets them.
    let blog = Target { app: AppName::parse("blog").unwrap(), ..target() };
    platform.store.ensure_app(&blog.app, jiff::Timestamp::now()).await.unwrap();
    for form in platform.store.serving(&target()).await.unwrap().values() {
        for host in &form.routes {
            let taken = platform.store.claim_hosts(&blog, std::slice::from_ref(host)).await;
            assert!(matches!(taken, Err(StoreError::HostTaken { .. })), "{host} is free");
        }
    }
}

async fn serving_releases(platform: &Platform) -> BTreeMap<ApplingName, ReleaseNumber> {
    let serving = platform.store.serving(&target()).await.unwrap();
    serving.into_iter().map(|(name, form)| (name, form.release)).collect()
}

fn both(release: u32) -> BTreeMap<ApplingName, ReleaseNumber> {
    ["api", "web"].map(|name| (appling(name), ReleaseNumber(release))).into()
}

#[tokio::test]
async fn a_deploy_is_done_once() {
    for writes in 0.. {
        let (platform, next) = serving().await;
        let deploy = async |platform: &Platform| platform.deploy(&next).await;
        let (platform, outcome, died) = die_in(platform, writes, deploy).await;
        let is_taken = outcome.is_some();
        if let Some(outcome) = outcome {
            assert_eq!(results(&outcome), "api live, web live", "{writes}: {outcome:?}");
        }
        check(&platform, 1 + u32::from(is_taken)).await;
        assert_eq!(serving_releases(&platform).await, both(1 + u32::from(is_taken)), "{writes}");
        if !died {
            assert!(writes > 6, "only {writes} writes");
            return;
        }
    }
}

#[tokio::test]
async fn a_deploy_that_fails_leaves_what_served() {
    for writes in 0.. {
        let (platform, next) = serving().await;
        platform.engine.failing.lock().unwrap().insert(appling("web"));
        let deploy = async |platform: &Platform| platform.deploy(&next).await;
        let (platform, outcome, died) = die_in(platform, writes, deploy).await;
        let is_taken = outcome.is_some();
        if let Some(outcome) = outcome {
            assert_eq!(results(&outcome), "api live, web failed", "{writes}: {outcome:?}");
        }
        check(&platform, 1 + u32::from(is_taken)).await;
        let serving = serving_releases(&platform).await;
        assert_eq!(serving[&appling("web")], ReleaseNumber(1), "{writes}");
        assert_eq!(serving[&appling("api")], ReleaseNumber(1 + u32::from(is_taken)), "{writes}");
        if !died {
            return;
        }
    }
}

#[tokio::test]
async fn a_rollback_is_done_once() {
    for writes in 0.. {
        let (platform, next) = serving().await;
        assert!(platform.deploy_to_end(&next).await.is_success());
        let back =
            async |platform: &Platform| platform.control.rollback(&target(), Some(ReleaseNumber(1))).await;
        let (platform, outcome, died) = die_in(platform, writes, back).await;
        let is_taken = outcome.is_some();
        assert!(outcome.is_none_or(|outcome| outcome.is_success()), "{writes}");
        check(&platform, 2 + u32::from(is_taken)).await;
        let commits: Vec<_> =
            platform.engine.applied.lock().unwrap().iter().map(|plan| plan.commit.clone()).collect();
        assert_eq!(commits.last() == Some(&next), !is_taken, "{writes}: {commits:?}");
        if !died {
            return;
        }
    }
}

#[tokio::test]
async fn a_deploy_that_is_cancelled_ends_so_or_whoever_cancelled_was_told_otherwise() {
    for writes in 0.. {
        let (platform, _) = serving().await;
        let deploy = platform.building("two").await;
        let mut died = platform.store.die_after(writes).await.unwrap();
        let said = platform.control.cancel(deploy.id).await;
        if said.is_ok() {
            tokio::select! {
                _ = platform.outcome(deploy.id) => {}
                _ = died.wait_for(|died| *died) => {}
            }
        }
        let has_died = *died.borrow();
        let platform = platform.crash().await;
        platform.builder.building.let_one_pass();
        let outcome = platform.outcome(deploy.id).await;
        let is_cancelled = outcome.release.is_none();
        assert_eq!(is_cancelled, said.is_ok(), "{writes}: {said:?}, {outcome:?}");
        check(&platform, 2 - u32::from(is_cancelled)).await;
        assert_eq!(serving_releases(&platform).await, both(2 - u32::from(is_cancelled)), "{writes}");
        if !has_died {
            assert!(is_cancelled, "nothing was in the way");
            return;
        }
    }
}

#[tokio::test]
async fn a_removal_leaves_everything_or_nothing() {
    for writes in 0.. {
        let (platform, _) = serving().await;
        let mut died = platform.store.die_after(writes).await.unwrap();
        let shop = target();
        tokio::select! {
            _ = platform.control.remove(&shop) => {}
            _ = died.wait_for(|died| *died) => {}
        }
        let has_died = *died.borrow();
        let platform = platform.crash().await;
        while !platform.store.removals().await.unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let has_begun = writes > 0;
        assert_eq!(platform.engine.removed.lock().unwrap().is_empty(), !has_begun, "{writes}");
        check(&platform, u32::from(!has_begun)).await;
        assert_eq!(serving_releases(&platform).await.is_empty(), has_begun, "{writes}");
        // It can come back at once.
        let commit = platform.commit(ROOT, "three").await;
        assert!(platform.deploy_to_end(&commit).await.is_success());
        if !has_died {
            return;
        }
    }
}
