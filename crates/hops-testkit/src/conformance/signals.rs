//! Promise 6: SIGTERM, then 30 s, then the end.

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
    let mut scene = Scene::new(world, "naive").await?;
    let web = with(&scene.appling("web"), "ON_TERM", "naive");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let mut lines = scene.follow().await?;
    let next = with(&web, "VERSION", "two");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    // The kernel keeps SIGTERM from process 1 alone. Any other ends by it, and its init with it; how long that took is
    // nothing to go by.
    let told = lines.until(|line| line.starts_with("got SIGTERM")).await?;
    ensure!(told != "got SIGTERM as process 1", "{told}: it goes on until it is killed");
    scene.until_only(1).await?;
    scene.end().await
}

/// One that goes on is killed 30 s after SIGTERM, not before.
pub async fn an_app_that_goes_on_is_killed_after_30_seconds(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "stubborn").await?;
    let web = with(&scene.appling("web"), "ON_TERM", "ignore");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let mut lines = scene.follow().await?;
    // It is removed in the end, and nobody needs to wait for that.
    let next = with(&with(&web, "VERSION", "two"), "ON_TERM", "die");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    // It counts its seconds itself, five by five. The last five are for a busy machine, on which it counts too slowly.
    lines.until(|line| line == "went on for 25 s").await?;
    scene.until_only(1).await?;
    scene.end().await
}
