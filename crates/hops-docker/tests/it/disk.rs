//! A full disk is refused before it hurts.

use anyhow::{Result, ensure};
use hops_model::CauseCode;
use hops_testkit::{DockerEngine, Scene, scene::with};

use crate::world::Machine;

on_both_engines! { a_deploy_into_a_full_disk_is_refused_with_what_would_free_it }

async fn a_deploy_into_a_full_disk_is_refused_with_what_would_free_it(engine: DockerEngine) -> Result<()> {
    // More than any disk has free: this one counts as full.
    let machine = Machine::with(engine, |settings| settings.min_free_mib = 1 << 40).await?;
    let mut scene = Scene::new(&machine, "full").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    let cause = deployed.cause("web", CauseCode::DoesNotFit)?;
    println!("{}\n{}\nhint: {}", cause.message, cause.proof, cause.help);
    ensure!(cause.message.contains("free") && cause.help.contains("prune"), "{cause:#?}");
    ensure!(machine.containers().await?.is_empty());
    Ok(())
}
