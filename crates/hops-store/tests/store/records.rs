use hops_model::{BuiltImage, Cause, CauseCode, HostName, ImageUser};
use hops_store::{Store, StoreError};

use crate::support::{at, form, image, target};

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

#[tokio::test]
async fn the_last_good_form_of_each_appling_is_remembered_and_forgotten() {
    let store = Store::memory().await.unwrap();
    let shop = target("shop");
    store.ensure_app(&shop.app, at(0)).await.unwrap();
    for form in [form("web", 1), form("api", 1), form("web", 2)] {
        store.set_good_form(&shop, &form).await.unwrap();
    }
    let forms = store.good_forms(&shop).await.unwrap();
    assert_eq!(forms.values().cloned().collect::<Vec<_>>(), [form("api", 1), form("web", 2)]);

    store.forget_good_form(&shop, &form("api", 1).name).await.unwrap();
    assert_eq!(store.good_forms(&shop).await.unwrap().len(), 1);
    assert!(store.good_forms(&target("blog")).await.unwrap().is_empty());
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
async fn a_host_belongs_to_one_target_until_that_lets_it_go() {
    let store = Store::memory().await.unwrap();
    let (shop, blog) = (target("shop"), target("blog"));
    for target in [&shop, &blog] {
        store.ensure_app(&target.app, at(0)).await.unwrap();
    }
    let hosts = [host("shop.example.com"), host("www.shop.example.com")];
    store.claim_hosts(&shop, &hosts).await.unwrap();
    store.claim_hosts(&shop, &hosts).await.unwrap();

    let taken = store.claim_hosts(&blog, &[host("blog.example.com"), hosts[1].clone()]).await.unwrap_err();
    assert_eq!(Cause::from(&taken).code, CauseCode::RouteTaken);
    assert!(taken.to_string().contains("`www.shop.example.com` is routed to shop in prod"), "{taken}");
    assert!(matches!(taken, StoreError::HostTaken { host, owner } if host == hosts[1] && owner == shop));
    store.claim_hosts(&shop, &[host("blog.example.com")]).await.unwrap();

    store.claim_hosts(&blog, &hosts).await.unwrap();
    let back = store.claim_hosts(&shop, &hosts).await;
    assert!(matches!(back, Err(StoreError::HostTaken { owner, .. }) if owner == blog));
}
