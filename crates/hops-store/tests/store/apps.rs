use hops_model::{Environment, HostName, ReleaseNumber, Target};
use hops_store::{Effect, Store, StoreError};

use crate::support::{at, enqueue, form, release, start, success, target};

#[tokio::test]
async fn an_app_is_made_known_once() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop").app;
    assert!(!store.app_exists(&shop).await.unwrap());
    store.ensure_app(&shop, at(1)).await.unwrap();
    store.ensure_app(&shop, at(2)).await.unwrap();
    assert!(store.app_exists(&shop).await.unwrap());
    let apps = store.apps().await.unwrap();
    assert_eq!(apps.len(), 1);
    assert_eq!((apps[0].created_at, apps[0].environments.len()), (at(1), 0));
}

#[tokio::test]
async fn an_app_whose_dns_name_is_anothers_is_refused() {
    let store = Store::memory().await.unwrap();
    let (first, second) = (target("web_shop"), target("web-shop"));
    start(&store, &first).await;
    let error = store.ensure_app(&second.app, at(2)).await.unwrap_err();
    assert!(matches!(&error, StoreError::NameTaken { other, .. } if other == "web_shop"), "{error}");
    assert_eq!(
        error.to_string(),
        "`web-shop` cannot be told from the app `web_shop`: where only DNS names are allowed, both are `web-shop`"
    );
    assert!(!store.app_exists(&second.app).await.unwrap());
    store.ensure_app(&first.app, at(3)).await.unwrap();
}

#[tokio::test]
async fn apps_are_listed_with_the_latest_of_each_environment() {
    let store = Store::memory().await.unwrap();
    let prod = target("shop");
    let test = Target::new(prod.app.clone(), Environment::Test);
    let done = start(&store, &prod).await;
    store.write_release(done.id, |number| release(&prod, number)).await.unwrap();
    store.finish(done.id, &success(Some(ReleaseNumber(1))), &Effect::Nothing, at(2)).await.unwrap();
    let waiting = enqueue(&store, &prod).await;
    let first = enqueue(&store, &test).await;
    store.ensure_app(&target("blog").app, at(0)).await.unwrap();

    let apps = store.apps().await.unwrap();
    assert_eq!(apps.iter().map(|app| app.name.as_str()).collect::<Vec<_>>(), ["blog", "shop"]);
    let [in_prod, in_test] = &apps[1].environments[..] else { panic!("{apps:?}") };
    assert_eq!((in_prod.environment, in_prod.release), (Environment::Prod, Some(ReleaseNumber(1))));
    assert_eq!(in_prod.deploy, waiting);
    assert_eq!(
        (in_test.environment, in_test.release, in_test.deploy.id),
        (Environment::Test, None, first.id)
    );
}

#[tokio::test]
async fn a_removed_target_leaves_nothing_and_numbers_its_deploys_on() {
    let store = Store::memory().await.unwrap();
    let (shop, blog) = (target("shop"), target("blog"));
    let host = HostName::parse("shop.example.com").unwrap();
    let deploy = start(&store, &shop).await;
    store.claim_hosts(&shop, std::slice::from_ref(&host)).await.unwrap();
    store.write_release(deploy.id, |number| release(&shop, number)).await.unwrap();

    let busy = store.begin_removal(&shop, at(2)).await;
    assert!(matches!(busy, Err(StoreError::Busy { deploy: id, .. }) if id == deploy.id));
    let web = form("web", 1);
    let effect = Effect::Applied { applings: [web.name.clone()].into(), live: vec![web] };
    store.finish(deploy.id, &success(None), &effect, at(2)).await.unwrap();
    store.begin_removal(&shop, at(3)).await.unwrap();
    store.finish_removal(&shop).await.unwrap();
    store.finish_removal(&shop).await.unwrap();

    assert_eq!(store.deploy(deploy.id).await.unwrap(), None);
    assert!(store.events_after(deploy.id, 0, 10).await.unwrap().is_empty());
    assert!(store.releases(&shop, 10).await.unwrap().is_empty());
    assert!(store.serving(&shop).await.unwrap().is_empty());
    assert!(store.app_exists(&shop.app).await.unwrap());
    store.ensure_app(&blog.app, at(3)).await.unwrap();
    store.claim_hosts(&blog, &[host]).await.unwrap();
    assert!(enqueue(&store, &shop).await.id > deploy.id);
}

#[tokio::test]
async fn no_deploy_is_claimed_of_what_is_being_removed_and_what_was_queued_meanwhile_stays() {
    let store = Store::memory().await.unwrap();
    let (shop, blog) = (target("shop"), target("blog"));
    let done = start(&store, &shop).await;
    store.finish(done.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
    store.begin_removal(&shop, at(3)).await.unwrap();
    let again = store.begin_removal(&shop, at(4)).await;
    assert!(matches!(again, Err(StoreError::BeingRemoved(target)) if target == shop));
    assert_eq!(store.removals().await.unwrap(), std::slice::from_ref(&shop));

    let waiting = enqueue(&store, &shop).await;
    assert_eq!(store.events_after(waiting.id, 0, 10).await.unwrap().len(), 1, "it is told that it waits");
    let other = enqueue(&store, &blog).await;
    assert_eq!(store.claim(at(5)).await.unwrap().map(|deploy| deploy.id), Some(other.id));
    assert_eq!(store.claim(at(5)).await.unwrap(), None);

    store.finish_removal(&shop).await.unwrap();
    assert_eq!(store.deploy(done.id).await.unwrap(), None);
    assert_eq!(store.claim(at(6)).await.unwrap().map(|deploy| deploy.id), Some(waiting.id));
}

#[tokio::test]
async fn a_removal_that_is_given_up_changes_nothing() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    let done = start(&store, &shop).await;
    store.finish(done.id, &success(None), &Effect::Nothing, at(2)).await.unwrap();
    store.begin_removal(&shop, at(3)).await.unwrap();
    store.abandon_removal(&shop).await.unwrap();
    assert!(store.deploy(done.id).await.unwrap().is_some());
    assert!(store.removals().await.unwrap().is_empty());
    let next = start(&store, &shop).await;
    assert!(next.id > done.id);
}
