//! What a small change sends to the builder.

use crate::{
    daemon::{Daemon, on_every_daemon},
    relay::Relay,
    shop::{Shop, run},
};

on_every_daemon! {
    a_one_line_change_sends_one_file
}

async fn a_one_line_change_sends_one_file(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    let place = Relay::reserve(daemon);
    let relay = place.listen();
    shop.settings.buildkit = place.address();
    for at in 0..200 {
        shop.write(&format!("api/assets/{at}.txt"), format!("{at}\n").repeat(2_000));
    }
    shop.write("api/main", "0")
        .write("api/Dockerfile", daemon.dockerfile("COPY api /api\nRUN cat /api/main"));
    let first = shop.commit().await;
    let builder = shop.builder();
    run(&builder, shop.request(&first, &["api"]).await).await.image("api");
    let all = relay.sent();
    assert!(all > 1_000_000, "{all}");
    shop.write("api/main", "1");
    let second = shop.commit().await;
    let changed = run(&builder, shop.request(&second, &["api"]).await).await;
    changed.image("api");
    assert!(changed.log("api").contains('1'), "{}", changed.log("api"));
    let more = relay.sent() - all;
    assert!(more < 100_000, "{more}");
}
