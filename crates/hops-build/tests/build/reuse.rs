//! The same input is not built again.

use hops_build::Builder;
use hops_model::Event;

use crate::{
    daemon::{Daemon, on_every_daemon, variable},
    shop::{Shop, run},
};

on_every_daemon! {
    the_same_input_needs_no_builder
    an_image_that_is_gone_is_built_again
    a_file_that_keeps_its_size_is_still_a_new_input
    secrets_are_part_of_the_input_and_are_not_in_the_log
}

async fn the_same_input_needs_no_builder(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile("COPY api /api")).write("api/x", "1");
    let first = shop.commit().await;
    let built = shop.build(&first, &["api"]).await;
    assert!(!built.is_reused("api"));

    // Nobody listens there.
    let nowhere = if daemon.engine().is_some() { "docker:///no/such/socket" } else { "tcp://127.0.0.1:1" };
    nowhere.clone_into(&mut shop.settings.buildkit);
    shop.settings.retries = 0;
    let second = shop.commit().await;
    assert_ne!(first, second);
    for commit in [&first, &second] {
        let again = shop.build(commit, &["api"]).await;
        assert_eq!(again.image("api"), built.image("api"));
        assert!(again.is_reused("api"));
        assert!(!again.events.iter().any(|event| matches!(event, Event::BuildStarted { .. })));
    }
    let expected = shop.builder().expected(&shop.request(&second, &["api"]).await).await;
    assert_eq!(&expected.values().next().unwrap().reference, built.image("api"));

    shop.write("api/x", "2");
    let third = shop.commit().await;
    let expected = shop.builder().expected(&shop.request(&third, &["api"]).await).await;
    assert!(expected.values().next().unwrap().reference.as_str().ends_with(&format!("/api:{third}")));
    shop.build(&third, &["api"]).await.cause("api");
}

async fn an_image_that_is_gone_is_built_again(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile("RUN touch /x"));
    let commit = shop.commit().await;
    let built = shop.build(&commit, &["api"]).await;
    let image = built.image("api");
    match daemon.engine() {
        Some(engine) => engine.delete(image).await,
        None => delete(image.repository().split_once('/').unwrap().1, image.digest().unwrap()).await,
    }
    let again = shop.build(&commit, &["api"]).await;
    assert!(!again.is_reused("api"));
    assert_eq!(again.image("api"), image);
}

async fn a_file_that_keeps_its_size_is_still_a_new_input(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile("COPY api/x /x\nRUN cat /x")).write("api/x", "one");
    let first = shop.commit().await;
    shop.build(&first, &["api"]).await.image("api");
    shop.write("api/x", "two");
    let second = shop.commit().await;
    let changed = shop.build(&second, &["api"]).await;
    changed.image("api");
    assert!(changed.log("api").contains("two"), "{}", changed.log("api"));
}

async fn secrets_are_part_of_the_input_and_are_not_in_the_log(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write(
        "api/Dockerfile",
        daemon.dockerfile("RUN --mount=type=secret,id=key,required wc -c < /run/secrets/key"),
    );
    let commit = shop.commit().await;
    let builder = shop.builder();
    for (value, reused) in [("12345", false), ("12345", true), ("1234567", false)] {
        let mut request = shop.request(&commit, &["api"]).await;
        request.applings[0].secrets.insert("key".to_owned(), hops_build::SecretValue::new(value));
        let seen = run(&builder, request).await;
        seen.image("api");
        assert_eq!(seen.is_reused("api"), reused, "{value}");
        assert!(!format!("{:?}", seen.events).contains(value));
    }
}

/// Deletes a manifest from the test registry.
async fn delete(path: &str, digest: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = variable("HOPS_TEST_REGISTRY");
    let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let request =
        format!("DELETE /v2/{path}/manifests/{digest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}
