//! Whom an image runs as is known with it.

use hops_build::Builder;
use hops_model::ImageUser;

use crate::{
    daemon::{Daemon, on_every_daemon},
    shop::Shop,
};

on_every_daemon! {
    an_image_is_told_with_the_user_that_its_dockerfile_ends_with
}

async fn an_image_is_told_with_the_user_that_its_dockerfile_ends_with(daemon: Daemon) {
    let shop = Shop::new(daemon);
    let cases = [
        ("nobodys", "", ImageUser::Root),
        ("roots", "USER 1000\nRUN true\nUSER root", ImageUser::Root),
        ("numbered", "USER 1000", ImageUser::Number(1000)),
        ("grouped", "USER 1000:50", ImageUser::Number(1000)),
        ("named", "USER nobody", ImageUser::Name("nobody".into())),
        ("inherited", "USER 7\nFROM scratch\nCOPY --from=0 /bin/true /true", ImageUser::Root),
    ];
    for (appling, steps, _) in &cases {
        shop.write(&format!("{appling}/Dockerfile"), daemon.dockerfile(steps));
    }
    let commit = shop.commit().await;
    let applings = cases.each_ref().map(|(appling, _, _)| *appling);
    let (first, again) = (shop.build(&commit, &applings).await, shop.build(&commit, &applings).await);
    for (appling, _, user) in &cases {
        assert_eq!(first.user(appling), user, "{appling}");
        assert!(again.is_reused(appling));
        assert_eq!(again.user(appling), user, "{appling}, reused");
    }
    let expected = shop.builder().expected(&shop.request(&commit, &["numbered"]).await).await;
    assert_eq!(expected.values().next().unwrap().user, ImageUser::Number(1000));
}
