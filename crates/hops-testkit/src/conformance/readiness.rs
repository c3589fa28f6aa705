//! Promise 8: readiness decides about traffic, liveness about restarts.

use anyhow::{Context, Result, ensure};
use hops_model::{ApplingResult, CauseCode, HttpPath};

use crate::scene::{Scene, World, with};

/// An appling that answers is live, and reachable by its host.
pub async fn a_ready_appling_is_live_and_reachable(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "ready").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    let deployed = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(deployed.of("web").result == ApplingResult::Live);
    scene.get_until(&web, "/", |answer| answer.status == 200 && answer.body == "one\n").await?;
    scene.end().await
}

/// A container that stops being ready gets no requests, is not restarted, and gets requests again once it is ready.
pub async fn an_unready_container_gets_no_requests_and_no_restart(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "unready").await?;
    let (web, sibling) = (scene.appling("web"), scene.appling("sibling"));
    scene.deploy_well(&[web.clone(), sibling.clone()]).await?;
    let before = scene.get_until(&web, "/process", |answer| answer.status == 200).await?;
    let address = scene.get_until(&web, "/address", |answer| answer.status == 200).await?;
    // By a way that stays open: neither its host nor its name leads to it while it is not ready.
    let set_health =
        |status: u16| format!("/call?url=http://{}:{}/set-health/{status}", address.body.trim(), web.port);
    scene.get_until(&sibling, &set_health(500), |answer| answer.body == before.body).await?;
    scene.get_until(&web, "/process", |answer| answer.status == 503).await?;
    let status = scene.engine().status(&scene.target).await?;
    let of_web = status.iter().find(|appling| appling.name == web.name).context("it is there")?;
    ensure!(of_web.ready == 0 && of_web.instances[0].restarts == 0, "{status:#?}");
    scene.get_until(&sibling, &set_health(200), |answer| answer.body == before.body).await?;
    let after = scene.get_until(&web, "/process", |answer| answer.status == 200).await?;
    ensure!(before.body == after.body, "it is another process: {} {}", before.body, after.body);
    scene.end().await
}

/// Without a liveness path nothing is restarted for its answers; with one, a container that answers wrongly is.
pub async fn a_failing_liveness_path_restarts_the_container(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "live").await?;
    let mut web = scene.appling("web");
    web.readiness_path = HttpPath::parse("/")?;
    web.liveness_path = Some(HttpPath::default_readiness());
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let before = scene.get_until(&web, "/process", |answer| answer.status == 200).await?;
    scene.get(&web, "/set-health/500").await?;
    let changed = |answer: &crate::http::Answer| answer.status == 200 && answer.body != before.body;
    // After three wrong answers, ten seconds apart.
    scene.get_until(&web, "/process", changed).await?;
    scene.end().await
}

/// What a readiness path really answered is the proof.
pub async fn a_wrong_readiness_path_is_reported_with_its_answer(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "path").await?;
    let mut web = scene.appling("web");
    web.readiness_path = HttpPath::parse("/up")?;
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    let cause = deployed.cause("web", CauseCode::ReadinessFailed)?;
    ensure!(cause.message.contains("404") && cause.proof.contains("no such page"), "{cause:#?}");
    scene.end().await
}

/// An app on another port is told which one.
pub async fn a_wrong_port_is_reported_with_the_right_one(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "port").await?;
    let web = with(&scene.appling("web"), "LISTEN", ":8123");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    let cause = deployed.cause("web", CauseCode::NothingListens)?;
    ensure!(cause.message.contains("3030") && cause.message.contains("8123"), "{cause:#?}");
    ensure!(cause.help.contains("port = 8123"), "{cause:#?}");
    scene.end().await
}

/// A slow start is no failure.
pub async fn a_slow_start_is_no_failure(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "slow").await?;
    let web = with(&with(&scene.appling("web"), "LISTEN_AFTER", "3s"), "READY_AFTER", "6s");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let status = scene.engine().status(&scene.target).await?;
    ensure!(status[0].instances[0].restarts == 0, "{status:#?}");
    scene.end().await
}
