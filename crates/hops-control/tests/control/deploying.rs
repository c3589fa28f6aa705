//! A commit becomes an outcome.

use expect_test::expect;
use hops_control::{ControlError, Fault};
use hops_model::{
    AppName, ApplingStatus, Cause, CauseCode, CommitId, DeployState, Environment, Event, Instance,
    InstanceState, ReleaseNumber, Target,
};
use hops_store::StoreError;
use jiff::Timestamp;

use crate::platform::{Platform, ROOT, appling, results, shop, target};

#[tokio::test]
async fn a_commit_is_built_released_and_rolled_out_in_this_order() {
    let platform = Platform::start().await;
    let commit = platform.commit(ROOT, "one").await;
    let deploy = platform.deploy(&commit).await.unwrap();
    let outcome = platform.outcome(deploy.id).await;
    assert_eq!(results(&outcome), "api live, web live");
    assert_eq!(outcome.release, Some(ReleaseNumber(1)));
    let expected = ["started", "build-started", "build-started", "released", "rollout", "rollout", "outcome"];
    assert_eq!(platform.kinds(deploy.id).await, expected);
}

#[tokio::test]
async fn an_unchanged_commit_restarts_nothing() {
    let platform = Platform::start().await;
    let commit = platform.commit(ROOT, "one").await;
    platform.deploy_to_end(&commit).await;
    let again = platform.deploy_to_end(&commit).await;
    assert_eq!(results(&again), "api unchanged, web unchanged");
    assert_eq!(again.release, Some(ReleaseNumber(2)));
}

#[tokio::test]
async fn an_appling_that_does_not_build_keeps_its_running_version_and_the_others_go_on() {
    let platform = Platform::start().await;
    platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    platform.builder.failing.lock().unwrap().insert(appling("web"));
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "two").await).await;
    assert_eq!(results(&outcome), "api live, web failed");
    let wanted = platform.engine.wanted.lock().unwrap().last().cloned().unwrap();
    let releases: Vec<_> = wanted.applings.iter().map(|appling| appling.release.0).collect();
    assert_eq!(releases, [2, 1]);
}

#[tokio::test]
async fn nothing_is_released_where_nothing_builds() {
    let platform = Platform::start().await;
    platform.builder.failing.lock().unwrap().extend([appling("api"), appling("web")]);
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    assert_eq!(results(&outcome), "api failed, web failed");
    assert_eq!(outcome.release, None);
    assert!(platform.engine.applied.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_appling_is_not_taken_for_its_good_form() {
    let platform = Platform::start().await;
    platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    platform.engine.failing.lock().unwrap().insert(appling("web"));
    let failed = platform.deploy_to_end(&platform.commit(ROOT, "two").await).await;
    assert_eq!(results(&failed), "api live, web failed");
    assert_eq!(failed.applings[1].restored, Some(ReleaseNumber(1)));
    let serving = platform.store.serving(&target()).await.unwrap();
    assert_eq!(serving[&appling("api")].release, ReleaseNumber(2));
    assert_eq!(serving[&appling("web")].release, ReleaseNumber(1));
}

#[tokio::test]
async fn an_appling_that_was_removed_does_not_come_back_in_its_old_form() {
    let platform = Platform::start().await;
    platform.remove_web().await;
    platform.builder.failing.lock().unwrap().insert(appling("web"));
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "three").await).await;
    assert_eq!(results(&outcome), "api live, web failed");
    let wanted = platform.engine.wanted.lock().unwrap().last().cloned().unwrap();
    let named: Vec<_> = wanted.applings.iter().map(|appling| appling.name.as_str()).collect();
    assert_eq!(named, ["api"], "nothing of `web` is left to run");
    assert!(!wanted.last_good.contains_key(&appling("web")));
}

#[tokio::test]
async fn an_appling_that_was_removed_is_nothing_to_go_back_to() {
    let platform = Platform::start().await;
    platform.remove_web().await;
    platform.engine.failing.lock().unwrap().insert(appling("web"));
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "three").await).await;
    assert_eq!(results(&outcome), "api live, web failed");
    assert_eq!(outcome.applings[1].restored, None);
}

#[tokio::test]
async fn an_appling_that_was_to_go_stays_known_where_another_failed() {
    let platform = Platform::start().await;
    platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    platform.engine.failing.lock().unwrap().insert(appling("api"));
    let outcome = platform.deploy_to_end(&platform.commit("applings = [\"api\"]\n", "two").await).await;
    assert_eq!(results(&outcome), "api failed");
    // The engine has not removed it, and it answers at its hosts.
    let serving = platform.store.serving(&target()).await.unwrap();
    let blog = Target::new(AppName::parse("blog").unwrap(), Environment::Test);
    platform.store.ensure_app(&blog.app, Timestamp::now()).await.unwrap();
    let taken = platform.store.claim_hosts(&blog, &serving[&appling("web")].routes).await;
    assert!(matches!(taken, Err(StoreError::HostTaken { .. })), "{taken:?}");
}

#[tokio::test]
async fn a_form_that_healed_after_it_was_given_up_is_what_the_next_goes_back_to() {
    let platform = Platform::start().await;
    platform.engine.failing.lock().unwrap().insert(appling("web"));
    let outcome = platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    assert_eq!(results(&outcome), "api live, web failed");
    // Half of it is not enough.
    let release = ReleaseNumber(1);
    let instance = |name: &str, state| Instance {
        name: name.to_owned(),
        release,
        state,
        restarts: 1,
        created_at: None,
        cause: None,
    };
    let image = platform.engine.wanted.lock().unwrap()[0].applings[1].image.clone();
    let status = |second| ApplingStatus {
        name: appling("web"),
        release,
        image: image.clone(),
        wanted: 2,
        ready: 2,
        urls: Vec::new(),
        instances: vec![instance("web-1", InstanceState::Ready), instance("web-2", second)],
    };
    for (state, expected) in [(InstanceState::Starting, None), (InstanceState::Ready, Some(release))] {
        *platform.engine.running.lock().unwrap() = vec![status(state)];
        let commit = platform.commit(ROOT, &format!("then {state:?}")).await;
        let outcome = platform.deploy_to_end(&commit).await;
        assert_eq!(outcome.applings[1].restored, expected, "{outcome:?}");
    }
}

#[tokio::test]
async fn wrong_files_are_refused_before_anything_is_queued() {
    let platform = Platform::start().await;
    let commit = platform.commit("applings = [\"api\", \"wbe\"]\n", "wrong").await;
    let error = platform.deploy(&commit).await.unwrap_err();
    assert_eq!(error.fault(), Fault::User);
    let cause = Cause::from(&error);
    assert_eq!(cause.code, CauseCode::ManifestInvalid);
    expect![["iterapp.toml:1:20: there is no directory `wbe`"]].assert_eq(&cause.message);
    assert!(platform.store.deploys(&target(), 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_yet_is_refused_and_named() {
    let platform = Platform::start().await;
    let commit = platform.commit("applings = [\"api\", \"web\"]\n[postgres]\n", "postgres").await;
    let cause = Cause::from(&platform.deploy(&commit).await.unwrap_err());
    assert_eq!(cause.code, CauseCode::NotSupported);
    assert!(cause.proof.contains("[postgres]"), "{cause:?}");
}

#[tokio::test]
async fn a_commit_that_was_not_sent_is_refused() {
    let platform = Platform::start().await;
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();
    assert!(matches!(platform.deploy(&commit).await, Err(ControlError::NoCommit { .. })));
}

#[tokio::test]
async fn a_file_that_names_another_app_is_refused() {
    let platform = Platform::start().await;
    let commit = platform.commit(&format!("name = \"store\"\n{ROOT}"), "renamed").await;
    let cause = Cause::from(&platform.deploy(&commit).await.unwrap_err());
    assert!(cause.help.contains("-a store"), "{cause:?}");
}

#[tokio::test]
async fn the_second_deploy_waits_and_the_third_takes_its_place() {
    let platform = Platform::start().await;
    let first = platform.building("one").await;
    let second = platform.deploy(&platform.commit(ROOT, "two").await).await.unwrap();
    let third = platform.deploy(&platform.commit(ROOT, "three").await).await.unwrap();
    let replaced = platform.outcome(second.id).await;
    assert_eq!(replaced.cause.unwrap().code, CauseCode::Cancelled);
    platform.builder.building.let_one_pass();
    assert!(platform.outcome(first.id).await.is_success());
    platform.builder.building.let_one_pass();
    assert_eq!(platform.outcome(third.id).await.release, Some(ReleaseNumber(2)));
    assert_eq!(platform.kinds(third.id).await[0], "queued");
}

#[tokio::test]
async fn a_deploy_is_cancelled_while_it_builds_and_not_later() {
    let platform = Platform::start().await;
    let deploy = platform.building("one").await;
    platform.control.cancel(deploy.id).await.unwrap();
    let outcome = platform.outcome(deploy.id).await;
    assert_eq!(outcome.cause.unwrap().code, CauseCode::Cancelled);
    assert!(matches!(platform.control.cancel(deploy.id).await, Err(ControlError::TooLateToCancel(_))));
    assert_eq!(platform.control.find_deploy(deploy.id).await.unwrap().state, DeployState::Finished);
}

#[tokio::test]
async fn a_host_belongs_to_the_app_that_had_it_first() {
    let platform = Platform::start().await;
    let other = AppName::parse("other").unwrap();
    let domain = "domains = [\"shop.example.com\"]\n";
    let repository = [(shop(), "one"), (other, "two")];
    for (index, (app, note)) in repository.into_iter().enumerate() {
        let commit = platform.commit_to(&app, domain, note).await;
        let deploy = platform.control.deploy(&app, Some(Environment::Prod), &commit).await.unwrap();
        let outcome = platform.outcome(deploy.id).await;
        match index {
            0 => assert!(outcome.is_success(), "{outcome:?}"),
            _ => assert_eq!(outcome.cause.unwrap().code, CauseCode::RouteTaken),
        }
    }
}

#[tokio::test]
async fn a_host_stays_with_what_serves_while_a_deploy_without_it_fails() {
    let platform = Platform::start().await;
    let other = AppName::parse("other").unwrap();
    let deploy = async |app: &AppName, host: &str, note: &str| {
        let commit = platform.commit_to(app, &format!("domains = [\"{host}\"]\n"), note).await;
        let deploy = platform.control.deploy(app, Some(Environment::Prod), &commit).await.unwrap();
        platform.outcome(deploy.id).await
    };
    assert!(deploy(&shop(), "a.example.com", "one").await.is_success());
    platform.engine.failing.lock().unwrap().insert(appling("shop"));
    assert!(!deploy(&shop(), "b.example.com", "two").await.is_success());
    platform.engine.failing.lock().unwrap().clear();

    let taken = deploy(&other, "a.example.com", "three").await;
    assert_eq!(taken.cause.unwrap().code, CauseCode::RouteTaken);
    assert!(deploy(&other, "b.example.com", "four").await.is_success(), "what did not come was let go");
    assert!(deploy(&shop(), "a.example.com", "five").await.is_success());
}

#[tokio::test]
async fn a_host_stays_with_what_may_be_left_of_a_deploy() {
    let platform = Platform::start().await;
    let other = AppName::parse("other").unwrap();
    let deploy = async |app: &AppName, host: &str, note: &str| {
        let commit = platform.commit_to(app, &format!("domains = [\"{host}\"]\n"), note).await;
        let deploy = platform.control.deploy(app, Some(Environment::Prod), &commit).await.unwrap();
        platform.outcome(deploy.id).await
    };
    let taken = async |host: &str, note: &str| {
        deploy(&other, host, note).await.cause.is_some_and(|cause| cause.code == CauseCode::RouteTaken)
    };
    // Nothing served before: its containers stay, and may heal.
    platform.engine.failing.lock().unwrap().insert(appling("shop"));
    deploy(&shop(), "a.example.com", "one").await;
    assert!(taken("a.example.com", "two").await);
    platform.engine.failing.lock().unwrap().clear();
    // The engine could not say what became of it; and what comes next changes nothing.
    *platform.engine.away.lock().unwrap() = u32::MAX;
    deploy(&shop(), "b.example.com", "three").await;
    *platform.engine.away.lock().unwrap() = 0;
    platform.builder.failing.lock().unwrap().insert(appling("shop"));
    deploy(&shop(), "c.example.com", "four").await;
    for host in ["a.example.com", "b.example.com"] {
        assert!(taken(host, &format!("five {host}")).await, "{host}");
    }
    platform.builder.failing.lock().unwrap().clear();
    assert!(deploy(&shop(), "c.example.com", "six").await.is_success());
    assert!(deploy(&other, "b.example.com", "seven").await.is_success());
}

#[tokio::test]
async fn a_host_that_is_not_wanted_any_more_is_free_once_the_deploy_is_over() {
    let platform = Platform::start().await;
    let other = AppName::parse("other").unwrap();
    let commit = |app: AppName, host: &'static str| {
        let platform = &platform;
        async move { platform.commit_to(&app, &format!("domains = [\"{host}\"]\n"), host).await }
    };
    let deploy = async |app: &AppName, commit: &CommitId| {
        platform.control.deploy(app, Some(Environment::Prod), commit).await.unwrap()
    };
    let first = deploy(&shop(), &commit(shop(), "a.example.com").await).await;
    assert!(platform.outcome(first.id).await.is_success());
    platform.engine.applying.close();
    let moving = deploy(&shop(), &commit(shop(), "b.example.com").await).await;
    platform.wait_for(moving.id, |event| matches!(event, Event::Rollout { .. })).await;
    for host in ["a.example.com", "b.example.com"] {
        let taken = deploy(&other, &commit(other.clone(), host).await).await;
        assert_eq!(platform.outcome(taken.id).await.cause.unwrap().code, CauseCode::RouteTaken, "{host}");
    }
    platform.engine.applying.let_one_pass();
    assert!(platform.outcome(moving.id).await.is_success());
    platform.engine.applying.let_one_pass();
    let free = deploy(&other, &commit(other.clone(), "a.example.com").await).await;
    assert!(platform.outcome(free.id).await.is_success());
}

#[tokio::test]
async fn a_plan_changes_nothing() {
    let platform = Platform::start().await;
    let commit = platform.commit(ROOT, "one").await;
    let plan = platform.control.plan(&shop(), None, &commit).await.unwrap();
    assert_eq!(plan.release, ReleaseNumber(1));
    assert_eq!(plan.target, target());
    assert!(platform.engine.applied.lock().unwrap().is_empty());
    assert!(platform.builder.built.lock().unwrap().is_empty());
}
