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

    let busy = store.remove_target(&shop).await;
    assert!(matches!(busy, Err(StoreError::Busy { deploy: id, .. }) if id == deploy.id));
    let web = form("web", 1);
    let effect =
        Effect::Applied { applings: [web.name.clone()].into(), live: vec![web], unsettled: Vec::new() };
    store.finish(deploy.id, &success(None), &effect, at(2)).await.unwrap();
    store.remove_target(&shop).await.unwrap();
    store.remove_target(&shop).await.unwrap();

    assert_eq!(store.deploy(deploy.id).await.unwrap(), None);
    assert!(store.events_after(deploy.id, 0, 10).await.unwrap().is_empty());
    assert!(store.releases(&shop, 10).await.unwrap().is_empty());
    assert!(store.serving(&shop).await.unwrap().is_empty());
    assert!(store.app_exists(&shop.app).await.unwrap());
    store.ensure_app(&blog.app, at(3)).await.unwrap();
    store.claim_hosts(&blog, &[host]).await.unwrap();
    assert!(enqueue(&store, &shop).await.id > deploy.id);
}
