//! The API server goes away, and comes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hops_engine::{EngineError, Events};
use hops_model::{ApplingResult, Event};
use hops_testkit::{
    Scene,
    scene::{apply, with},
};

use crate::world::Cluster;

#[tokio::test]
async fn a_roll_out_is_followed_across_an_outage() -> Result<()> {
    let (cluster, proxy) = Cluster::behind_a_proxy().await?;
    let mut scene = Scene::new(&cluster, "outage").await?;
    let web = with(&scene.appling("web"), "LISTEN_AFTER", "2s");
    let plan = scene.plan(std::slice::from_ref(&web)).await?;
    let engine = scene.engine();
    let (events, mut told) = Events::channel();
    let outage = async {
        // Everything is applied once a roll-out is told of.
        while !matches!(told.recv().await.context("it ended")?, Event::Rollout { .. }) {}
        proxy.cut();
        tokio::time::sleep(Duration::from_secs(6)).await;
        proxy.mend();
        anyhow::Ok(())
    };
    let (outcomes, had) = tokio::join!(apply(engine, &plan, events), outage);
    let outcomes = outcomes?;
    had?;
    ensure!(outcomes[0].result == ApplingResult::Live, "{outcomes:#?}");
    scene.end().await
}

#[tokio::test]
async fn an_api_server_that_is_away_is_named_and_may_come_back() -> Result<()> {
    let (cluster, proxy) = Cluster::behind_a_proxy().await?;
    let scene = Scene::new(&cluster, "away").await?;
    proxy.cut();
    let error = scene.engine().observe(&scene.target).await.expect_err("it is away");
    ensure!(
        matches!(&error, EngineError::Unreachable { address, .. } if address.contains(&proxy.address.to_string()))
    );
    ensure!(error.is_transient());
    proxy.mend();
    scene.engine().observe(&scene.target).await?;
    Ok(())
}
