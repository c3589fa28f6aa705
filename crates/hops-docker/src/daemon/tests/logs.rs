//! Logs, of one process and over many.

use std::sync::Arc;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use hops_engine::{LogLine, LogQuery, LogStream};
use hops_testkit::PATIENCE;
use jiff::Timestamp;

use super::{
    super::Instance,
    scene::{Scene, set},
};

super::on_both_engines!(
    lines_are_those_of_the_present_process_or_of_the_former_one,
    following_goes_on_over_restarts_and_with_what_comes,
    long_lines_are_whole,
);

fn query(scene: &Scene) -> LogQuery {
    LogQuery {
        target: scene.target.clone(),
        appling: None,
        follow: false,
        previous: false,
        tail: None,
        since: None,
    }
}

async fn texts(scene: &Scene, query: LogQuery) -> Result<Vec<String>> {
    let lines: Vec<LogLine> = scene.daemon.logs(query).await?.try_collect().await?;
    assert!(lines.iter().all(|line| line.at.is_some()));
    Ok(lines.into_iter().map(|line| line.text).collect())
}

/// The lines are these, once Docker has written down what was printed just before.
async fn check(scene: &Scene, query: LogQuery, expected: &[&str]) -> Result<()> {
    let found =
        hops_testkit::until(async || texts(scene, query.clone()).await, |texts| texts == expected).await;
    found.map(drop).with_context(|| format!("waiting for {expected:?}"))
}

async fn print(scene: &Scene, instance: &Instance, line: &str) -> Result<()> {
    assert_eq!(scene.get(instance, &format!("/print/{line}")).await?.status, 200);
    Ok(())
}

/// Ends its process, and waits for the next one.
async fn end(scene: &Scene, instance: &Instance) -> Result<Instance> {
    let before = scene.instance(&instance.id).await?.app().unwrap().started_at;
    let address = std::net::SocketAddr::new(instance.address.unwrap(), 3030);
    let _ = hops_testkit::http::get(address, "shop", "/exit/3").await;
    scene
        .until(&instance.id, |instance| {
            instance.app().is_some_and(|one| one.is_running() && one.started_at > before)
        })
        .await
}

async fn lines_are_those_of_the_present_process_or_of_the_former_one(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.sidecars.push(scene.sidecar("proxy"));
    set(&mut appling, "PRINT", "hello");
    let mut instance = scene.run(&appling, 1).await?;
    let listening = "listening on :3030";
    print(&scene, &instance, "one").await?;
    check(&scene, query(&scene), &["hello", listening, "one"]).await?;
    let previous = || LogQuery { previous: true, ..query(&scene) };
    check(&scene, previous(), &[]).await?;
    for line in ["two", "three"] {
        instance = end(&scene, &instance).await?;
        print(&scene, &instance, line).await?;
    }
    check(&scene, query(&scene), &["hello", listening, "three"]).await?;
    check(&scene, previous(), &["hello", listening, "two"]).await?;
    check(&scene, LogQuery { tail: Some(1), ..previous() }, &["two"]).await?;
    check(&scene, LogQuery { tail: Some(2), ..query(&scene) }, &[listening, "three"]).await?;
    let since = Some(Timestamp::now());
    print(&scene, &instance, "four").await?;
    check(&scene, LogQuery { since, ..query(&scene) }, &["four"]).await?;
    let other = LogQuery { appling: Some("api".parse()?), ..query(&scene) };
    check(&scene, other, &[]).await?;
    // What a stopped one said last is still there.
    scene.daemon.stop(&instance.id, PATIENCE).await?;
    check(&scene, LogQuery { tail: Some(1), ..query(&scene) }, &["bye"]).await?;
    Ok(())
}

async fn expect(stream: &mut LogStream, texts: &[&str]) -> Result<()> {
    for text in texts {
        let line = tokio::time::timeout(PATIENCE, stream.next()).await;
        let line = line.with_context(|| format!("waiting for {text}"))?.context("the lines ended")??;
        assert_eq!(line.text, *text);
    }
    Ok(())
}

async fn following_goes_on_over_restarts_and_with_what_comes(scene: Arc<Scene>) -> Result<()> {
    let web = scene.run(&scene.appling("web"), 1).await?;
    let listening = "listening on :3030";
    for line in ["one", "two"] {
        print(&scene, &web, line).await?;
    }
    let follow = LogQuery { follow: true, tail: Some(1), ..query(&scene) };
    let mut stream = scene.daemon.logs(follow).await?;
    expect(&mut stream, &["two"]).await?;
    print(&scene, &web, "three").await?;
    expect(&mut stream, &["three"]).await?;
    for line in ["four", "five"] {
        let web = end(&scene, &web).await?;
        print(&scene, &web, line).await?;
        expect(&mut stream, &[listening, line]).await?;
    }
    let mut api = scene.appling("api");
    set(&mut api, "PRINT", "six");
    let api = scene.run(&api, 1).await?;
    expect(&mut stream, &["six", listening]).await?;
    scene.daemon.stop(&api.id, PATIENCE).await?;
    scene.daemon.remove(&api.id).await?;
    let last = tokio::time::timeout(PATIENCE, stream.next()).await?.context("the lines ended")??;
    assert!(last.text.starts_with("got SIGTERM"), "{last:?}");
    assert_eq!((last.appling, last.instance), ("api".parse()?, api.id.name));
    expect(&mut stream, &["bye"]).await?;
    print(&scene, &scene.instance(&web.id).await?, "seven").await?;
    expect(&mut stream, &["seven"]).await
}

async fn long_lines_are_whole(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    let long = "é".repeat(40_000);
    set(&mut appling, "PRINT", &long);
    scene.run(&appling, 1).await?;
    check(&scene, query(&scene), &[&long, "listening on :3030"]).await
}
