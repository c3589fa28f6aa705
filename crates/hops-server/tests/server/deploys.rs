use std::pin::pin;

use futures::StreamExt;
use hops_api::ClientError;
use hops_model::{
    Cause, CauseCode, CommitId, DeployId, DeployState, Event, ReleaseNumber, Target, release::Origin,
};

use crate::support::{Platform, next, shop, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_commit_is_deployed_listed_rolled_back_and_removed() {
    let platform = Platform::start().await;
    let client = platform.client();
    assert_eq!(client.version().await.unwrap().version, env!("CARGO_PKG_VERSION"));
    assert!(client.apps().await.unwrap().is_empty());

    let first = platform.deployed(&shop()).await;
    assert_eq!((first.release, first.subject.as_str()), (Some(ReleaseNumber(1)), "Sell more"));
    let second = platform.deployed(&shop()).await;
    assert_eq!((second.release, second.state), (Some(ReleaseNumber(2)), DeployState::Finished));

    let apps = client.apps().await.unwrap();
    assert_eq!((apps.len(), &apps[0].name), (1, &shop().app));
    assert_eq!((&apps[0].environments[0].deploy, apps[0].environments[0].release), (&second, second.release));
    let releases = client.releases(&shop(), 1).await.unwrap();
    assert_eq!((releases.len(), releases[0].number, releases[0].deploy), (1, ReleaseNumber(2), second.id));
    assert_eq!(releases[0].outcome, second.outcome);
    let status = client.status(&shop()).await.unwrap();
    assert_eq!((status.release.as_ref(), status.under_way), (Some(&releases[0]), None));

    let back = client.rollback(&shop(), None).await.unwrap();
    assert_eq!((back.origin, &back.commit), (Origin::Rollback { to: ReleaseNumber(1) }, &first.commit));
    platform.engine.may_end.add_permits(1);
    let events: Vec<_> = soon(client.events(back.id, 0).map(Result::unwrap).collect()).await;
    let Some((_, Event::Outcome(outcome))) = events.last() else { panic!("{events:?}") };
    assert_eq!(outcome.release, Some(ReleaseNumber(3)));

    client.remove(&shop()).await.unwrap();
    assert_eq!(*platform.engine.removed.lock().unwrap(), [shop()]);
    assert!(client.releases(&shop(), 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_and_nothing_is_queued() {
    let platform = Platform::start().await;
    let commit = platform.push(&shop().app).await;
    let plan = platform.client().plan(&shop().app, Some(shop().environment), &commit).await.unwrap();
    assert_eq!((&plan.target, &plan.commit, plan.release), (&shop(), &commit, ReleaseNumber(1)));
    assert_eq!(plan.applings.len(), 1);
    assert!(platform.client().apps().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_deploy_is_cancelled_and_its_listeners_are_told() {
    let platform = Platform::start().await;
    let client = platform.client();
    let running = platform.deploy(&shop()).await;
    let mut events = pin!(client.events(running.id, 0));
    while !matches!(next(&mut events).await.1, Event::Rollout { .. }) {}

    let waiting = platform.deploy(&shop()).await;
    let mut events = pin!(client.events(waiting.id, 0));
    assert_eq!(next(&mut events).await, (1, Event::Queued));
    client.cancel(waiting.id).await.unwrap();
    let (_, Event::Outcome(outcome)) = next(&mut events).await else { panic!("the outcome follows") };
    assert_eq!(outcome.cause.unwrap().code, CauseCode::Cancelled);
    assert!(soon(events.next()).await.is_none());

    let too_late = client.cancel(running.id).await.unwrap_err();
    assert!(matches!(&too_late, ClientError::Problem(problem) if problem.status == 409), "{too_late:?}");
    platform.engine.may_end.add_permits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_said_with_a_cause() {
    let platform = Platform::start().await;
    let client = platform.client();
    platform.deployed(&shop()).await;
    let blog = Target::new("blog".parse().unwrap(), shop().environment);
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();

    let not_found = [
        client.find_deploy(DeployId(99)).await.err(),
        client.cancel(DeployId(99)).await.err(),
        soon(pin!(client.events(DeployId(99), 0)).next()).await.unwrap().err(),
        client.status(&blog).await.err(),
        client.releases(&blog, 1).await.err(),
        client.remove(&blog).await.err(),
        client.rollback(&shop(), Some(ReleaseNumber(7))).await.err(),
    ];
    for error in not_found {
        let Some(ClientError::Problem(problem)) = &error else { panic!("{error:?}") };
        assert_eq!((problem.status, problem.title.as_str()), (404, "Not Found"), "{problem:?}");
        let cause = problem.cause.as_ref().unwrap();
        assert_eq!(problem.detail, cause.message);
        assert!(!cause.help.is_empty());
    }
    for error in [
        client.deploy(&shop().app, None, &commit).await.err(),
        client.plan(&shop().app, None, &commit).await.map(drop).err(),
    ] {
        let Some(ClientError::Problem(problem)) = &error else { panic!("{error:?}") };
        assert_eq!(problem.status, 422);
        assert_eq!(Cause::from(&error.unwrap()).code, CauseCode::CommitMissing);
    }
    let nothing_before = client.rollback(&shop(), None).await.unwrap_err();
    assert!(matches!(&nothing_before, ClientError::Problem(problem) if problem.status == 409));
}
