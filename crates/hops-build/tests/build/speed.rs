//! What a small change costs. Numbers are printed, and bounded only where a bound is a promise.

use std::time::Instant;

use crate::shop::{Shop, dockerfile, run};

#[tokio::test]
async fn a_one_line_change_is_built_within_a_moment() {
    let shop = Shop::new();
    for at in 0..500 {
        shop.write(&format!("api/assets/{at}.txt"), format!("{at}\n").repeat(2_000));
    }
    shop.write("api/main", "0").write("api/Dockerfile", dockerfile("COPY api /api"));
    let builder = shop.builder();
    let commit = shop.commit().await;
    let first = Instant::now();
    run(&builder, shop.request(&commit, &["api"]).await).await.image("api");
    println!("first: {:?}", first.elapsed());
    for at in 1..6 {
        shop.write("api/main", at.to_string());
        let commit = shop.commit().await;
        let start = Instant::now();
        run(&builder, shop.request(&commit, &["api"]).await).await.image("api");
        println!("one line: {:?}", start.elapsed());
    }
    let again = Instant::now();
    assert!(run(&builder, shop.request(&shop.commit().await, &["api"]).await).await.is_reused("api"));
    let again = again.elapsed();
    println!("unchanged: {again:?}");
    assert!(again.as_secs() < 1, "{again:?}");
}
