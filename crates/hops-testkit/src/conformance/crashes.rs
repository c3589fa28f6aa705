//! Promise 9, and what becomes of what cannot run.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hops_model::{ApplingResult, CauseCode, app::Amounts, quantity::Memory};

use crate::{
    PATIENCE,
    scene::{Scene, World, with},
};

/// A process that exits, with any code, is started again.
pub async fn a_process_that_exits_is_started_again(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "again").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let before = scene.get_until(&web, "/process", |answer| answer.status == 200).await?;
    scene.exit(&web, 0).await?;
    scene.get_until(&web, "/process", |answer| answer.status == 200 && answer.body != before.body).await?;
    // An engine may tell of a restart a moment after it.
    let told = async {
        loop {
            let status = scene.engine().status(&scene.target).await?;
            match status[0].instances[0].restarts {
                0 => tokio::time::sleep(Duration::from_millis(50)).await,
                1 => return Ok(()),
                _ => bail!("{status:#?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.context("no restart is told of")??;
    scene.end().await
}

/// An app that exits once on its way, such as while its database starts, does not fail for it.
pub async fn one_exit_at_the_start_is_forgiven(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "once").await?;
    let web = with(&scene.appling("web"), "EXIT_ONCE", "1");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.end().await
}

/// An app that exits at once is reported long before the deadline, with its code and its last lines.
pub async fn an_exit_at_once_is_reported_with_code_and_lines(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "exit").await?;
    let web = with(&with(&scene.appling("web"), "EXIT_AFTER", "0s"), "EXIT_CODE", "7");
    let web = with(&web, "PRINT", "no DATABASE_URL");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    let cause = deployed.cause("web", CauseCode::Exited)?;
    ensure!(cause.message.contains("with 7"), "{cause:#?}");
    ensure!(cause.proof.contains("no DATABASE_URL") && cause.proof.contains("exiting with 7"), "{cause:#?}");
    // Not waited for: most of the time is left.
    ensure!(deployed.took < world.deadline() / 2, "{:?}", deployed.took);
    scene.end().await
}

/// Too much memory is reported with the limit.
pub async fn too_much_memory_is_reported_with_the_limit(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "memory").await?;
    let mut web = with(&scene.appling("web"), "ALLOCATE_MB", "200");
    web.resources.limits = Amounts { memory: Some(Memory::parse("32Mi")?), cpu: None };
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    let cause = deployed.cause("web", CauseCode::OutOfMemory)?;
    ensure!(cause.message.contains("32Mi"), "{cause:#?}");
    scene.end().await
}

/// A failed appling keeps its running version; the others are updated.
pub async fn a_failed_appling_keeps_its_running_version(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "keep").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    let api = with(&scene.appling("api"), "VERSION", "one");
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    scene.get_until(&web, "/", |answer| answer.body == "one\n").await?;

    let broken = with(&with(&web, "VERSION", "two"), "EXIT_AFTER", "0s");
    let updated = with(&api, "VERSION", "two");
    let deployed = scene.deploy(&[broken, updated.clone()]).await?;
    ensure!(deployed.of("api").result == ApplingResult::Live, "{deployed:#?}");
    ensure!(deployed.of("web").result == ApplingResult::Failed, "{deployed:#?}");
    ensure!(deployed.of("web").restored.is_some_and(|release| release.0 == 1), "{:#?}", deployed.outcomes);
    ensure!(scene.get(&web, "/").await?.body == "one\n");
    scene.get_until(&updated, "/", |answer| answer.body == "two\n").await?;

    // What was restored is as it was: deploying it again changes nothing.
    let again = scene.deploy_well(&[web.clone(), updated]).await?;
    ensure!(
        again.outcomes.iter().all(|outcome| outcome.result == ApplingResult::Unchanged),
        "{}",
        again.plan
    );
    scene.end().await
}
