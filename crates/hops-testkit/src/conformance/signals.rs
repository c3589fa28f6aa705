//! Promise 6: SIGTERM, then 30 s, then the end.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::scene::{Scene, World, with};

/// An app is told to stop by SIGTERM and may finish what it does.
pub async fn an_app_is_told_to_stop_and_finishes(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "stop").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let mut lines = scene.follow().await?;
    let next = with(&web, "VERSION", "two");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    lines.until(|line| line.starts_with("got SIGTERM")).await?;
    lines.until(|line| line == "bye").await?;
    scene.end().await
}

/// An image without an init whose process has no handler stops at once all the same.
pub async fn an_app_without_a_handler_stops_at_once(world: &dyn World) -> Result<()> {
    let gone = stopping_time(world, "naive", "naive", true).await?;
    ensure!(gone < Duration::from_secs(29), "it was killed after {gone:?}");
    Ok(())
}

/// One that goes on is killed 30 s after SIGTERM, not before.
pub async fn an_app_that_goes_on_is_killed_after_30_seconds(world: &dyn World) -> Result<()> {
    let gone = stopping_time(world, "stubborn", "ignore", true).await?;
    ensure!(gone >= Duration::from_secs(29), "only got {gone:?}");
    Ok(())
}

/// How long the old container stays after the new one is live.
async fn stopping_time(world: &dyn World, name: &str, on_term: &str, init: bool) -> Result<Duration> {
    let mut scene = Scene::new(world, name).await?;
    let mut web = with(&scene.appling("web"), "ON_TERM", on_term);
    web.init = init;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    // It is removed in the end, and nobody needs to wait for that.
    let next = with(&with(&web, "VERSION", "two"), "ON_TERM", "die");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    let begun = Instant::now();
    scene.until_only(1).await?;
    let gone = begun.elapsed();
    scene.end().await?;
    Ok(gone)
}
