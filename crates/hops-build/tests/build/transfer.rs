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
    // The cache of each build is written after it, which the next build stops; a builder that is short of time may not have
    // let go of the files by then.
    let mut sent = Vec::new();
    for line in 1..=5 {
        shop.write("api/main", format!("line {line}"));
        let before = relay.sent();
        let commit = shop.commit().await;
        let changed = run(&builder, shop.request(&commit, &["api"]).await).await;
        changed.image("api");
        assert!(changed.log("api").contains(&format!("line {line}")), "{}", changed.log("api"));
        sent.push(relay.sent() - before);
        if sent.last().is_some_and(|sent| *sent < 100_000) {
            return;
        }
    }
    panic!("{sent:?}");
}
