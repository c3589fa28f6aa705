use hops_model::{ApplingName, BuiltImage, Cause, CauseCode, DesiredAppling, HostName, ImageUser};
use hops_store::{Effect, Store, StoreError};

use crate::support::{at, form, image, start, success, target};

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

#[tokio::test]
async fn what_serves_is_written_and_forgotten_with_the_end_of_a_deploy() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    let end = async |live: &[DesiredAppling], applings: &[&str]| {
        let deploy = start(&store, &shop).await;
        let applings = applings.iter().map(|name| ApplingName::parse(name).unwrap()).collect();
        let effect = Effect::Applied { live: live.to_vec(), applings };
        store.finish(deploy.id, &success(None), &effect, at(2)).await.unwrap();
        store.serving(&shop).await.unwrap().into_values().collect::<Vec<_>>()
    };
    assert_eq!(
        end(&[form("web", 1), form("api", 1)], &["api", "web"]).await,
        [form("api", 1), form("web", 1)]
    );
    assert_eq!(end(&[form("web", 2)], &["api", "web"]).await, [form("api", 1), form("web", 2)]);
    assert_eq!(end(&[], &["web"]).await, [form("web", 2)], "what the app has no more is forgotten");
    assert!(store.serving(&target("blog")).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_image_of_an_input_is_remembered() {
    let store = Store::memory().await.unwrap();
    assert_eq!(store.image_for("input").await.unwrap(), None);
    for (digit, user) in
        [("1", ImageUser::Root), ("2", ImageUser::Number(7)), ("3", ImageUser::Name("ann".into()))]
    {
        let image = BuiltImage { reference: image(digit), user };
        store.remember_image("input", &image, at(0)).await.unwrap();
        assert_eq!(store.image_for("input").await.unwrap(), Some(image));
    }
    assert_eq!(store.image_for("other").await.unwrap(), None);
}

#[tokio::test]
async fn a_host_belongs_to_what_serves_and_to_what_is_coming() {
    let store = Store::memory().await.unwrap();
    let (shop, blog) = (target("shop"), target("blog"));
    store.ensure_app(&blog.app, at(0)).await.unwrap();
    let hosts = [host("shop.example.com"), host("www.shop.example.com")];
    let first = start(&store, &shop).await;
    store.claim_hosts(&shop, &hosts).await.unwrap();
    store.claim_hosts(&shop, &hosts).await.unwrap();

    let taken = store.claim_hosts(&blog, &[host("blog.example.com"), hosts[1].clone()]).await.unwrap_err();
    assert_eq!(Cause::from(&taken).code, CauseCode::RouteTaken);
    assert!(taken.to_string().contains("`www.shop.example.com` is routed to shop in prod"), "{taken}");
    assert!(matches!(taken, StoreError::HostTaken { host, owner } if host == hosts[1] && owner == shop));

    // Of the two that were coming one serves.
    let web = DesiredAppling { routes: vec![hosts[0].clone()], ..form("web", 1) };
    let applied = Effect::Applied { live: vec![web.clone()], applings: [web.name.clone()].into() };
    store.finish(first.id, &success(None), &applied, at(2)).await.unwrap();
    store.claim_hosts(&blog, &hosts[1..]).await.unwrap();

    // One that fails holds both until its end, and only what served from then on.
    let second = start(&store, &shop).await;
    store.claim_hosts(&shop, &[host("new.example.com")]).await.unwrap();
    for held in [&hosts[0], &host("new.example.com")] {
        let taken = store.claim_hosts(&blog, std::slice::from_ref(held)).await;
        assert!(matches!(taken, Err(StoreError::HostTaken { owner, .. }) if owner == shop), "{held}");
    }
    let failed = Effect::Partial { live: Vec::new(), unsettled: Vec::new() };
    store.finish(second.id, &success(None), &failed, at(3)).await.unwrap();
    store.claim_hosts(&blog, &[host("new.example.com")]).await.unwrap();
    assert!(store.claim_hosts(&blog, &hosts[..1]).await.is_err());

    // Where nobody can say what became of it, nothing is let go.
    let third = start(&store, &shop).await;
    store.claim_hosts(&shop, &[host("maybe.example.com")]).await.unwrap();
    store.finish(third.id, &success(None), &Effect::Unknown, at(4)).await.unwrap();
    assert!(store.claim_hosts(&blog, &[host("maybe.example.com")]).await.is_err());

    // Not by the next one either, where that changes nothing; only by one that is applied.
    let fourth = start(&store, &shop).await;
    store.claim_hosts(&shop, &[host("never.example.com")]).await.unwrap();
    store.finish(fourth.id, &success(None), &Effect::Nothing, at(5)).await.unwrap();
    store.claim_hosts(&blog, &[host("never.example.com")]).await.unwrap();
    assert!(store.claim_hosts(&blog, &[host("maybe.example.com")]).await.is_err());
    let fifth = start(&store, &shop).await;
    store.claim_hosts(&shop, &[host("failing.example.com")]).await.unwrap();
    // Where some failed, nothing was removed: what was there before may be there still.
    let partial = Effect::Partial { live: vec![web.clone()], unsettled: vec![host("failing.example.com")] };
    store.finish(fifth.id, &success(None), &partial, at(6)).await.unwrap();
    for held in ["shop", "maybe", "failing"] {
        let taken = store.claim_hosts(&blog, &[host(&format!("{held}.example.com"))]).await;
        assert!(matches!(taken, Err(StoreError::HostTaken { .. })), "{held}: {taken:?}");
    }
    let sixth = start(&store, &shop).await;
    store.finish(sixth.id, &success(None), &applied, at(7)).await.unwrap();
    store.claim_hosts(&blog, &[host("maybe.example.com"), host("failing.example.com")]).await.unwrap();
    assert!(store.claim_hosts(&blog, &hosts[..1]).await.is_err());
}
