//! Where an appling answers changes only with what works.

use std::time::Duration;

use anyhow::{Result, ensure};
use hops_model::{ApplingResult, DesiredAppling, HostName};

use crate::{
    Load, http,
    scene::{Deployed, Scene, World, set, with},
};

/// Between two looks at a host that must not answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A private appling stays private while a public form of it fails, and afterwards.
pub async fn a_failing_form_opens_nothing(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "private").await?;
    let public = scene.appling("web");
    let mut good = with(&public, "VERSION", "one");
    good.routes.clear();
    scene.deploy_well(std::slice::from_ref(&good)).await?;

    let mut broken = with(&with(&public, "VERSION", "broken"), "EXIT_AFTER", "0s");
    broken.replicas = 2;
    let deployed = fail_unseen(&mut scene, &broken).await?;
    ensure!(deployed.of("web").restored.is_some(), "{:#?}", deployed.outcomes);

    // Nothing of it stays: what serves is as it was.
    let again = scene.deploy_well(std::slice::from_ref(&good)).await?;
    ensure!(again.plan.is_empty(), "{}", again.plan);
    ensure!(scene.get(&public, "/").await?.status != 200, "what failed is reachable");

    let works = with(&public, "VERSION", "two");
    scene.deploy_well(std::slice::from_ref(&works)).await?;
    scene.get_until(&works, "/", |answer| answer.body == "two\n").await?;
    scene.end().await
}

/// A served host answers all the while where a form with another host fails, and that host never does.
pub async fn a_failing_form_takes_no_host_away(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "host").await?;
    let good = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&good)).await?;
    scene.get_until(&good, "/", |answer| answer.body == "one\n").await?;
    let load = Load::new(scene.entrance(), good.routes[0].as_str(), 50).start();

    let mut broken = with(&with(&good, "VERSION", "broken"), "EXIT_AFTER", "0s");
    broken.routes = vec![HostName::parse(&format!("new.{}", good.routes[0]))?];
    let deployed = fail_unseen(&mut scene, &broken).await?;
    ensure!(deployed.of("web").restored.is_some(), "{:#?}", deployed.outcomes);
    let tally = load.stop().await;
    ensure!(tally.failed.is_empty(), "{tally}; {:?}", tally.failures.iter().take(5).collect::<Vec<_>>());

    // It moves once it works.
    let moved = DesiredAppling { routes: broken.routes, ..with(&good, "VERSION", "two") };
    scene.deploy_well(std::slice::from_ref(&moved)).await?;
    scene.get_until(&moved, "/", |answer| answer.body == "two\n").await?;
    scene.get_until(&good, "/", |answer| answer.status == 404).await?;
    scene.end().await
}

/// A host that moves between two applings that both stay is answered all the while: where its heir fails by the one that
/// had it, and else by that one until the heir works.
pub async fn a_host_moves_between_two_that_stay_without_a_loss(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "heir").await?;
    let host = scene.appling("web").routes[0].clone();
    let (own, mut heir) =
        (with(&scene.appling("a"), "VERSION", "a"), with(&scene.appling("b"), "VERSION", "b"));
    let mut owner = own.clone();
    owner.routes.push(host.clone());
    scene.deploy_well(&[owner, heir.clone()]).await?;
    let asked = DesiredAppling { routes: vec![host.clone()], ..own.clone() };
    scene.get_until(&asked, "/", |answer| answer.body == "a\n").await?;
    let load = Load::new(scene.entrance(), host.as_str(), 50).start();

    let own = with(&own, "VERSION", "a2");
    heir.routes.push(host);
    let broken = with(&heir, "EXIT_AFTER", "0s");
    let deployed = scene.deploy(&[own.clone(), broken]).await?;
    ensure!(deployed.of("a").result == ApplingResult::Live, "{:#?}", deployed.outcomes);
    ensure!(deployed.of("b").result == ApplingResult::Failed, "{:#?}", deployed.outcomes);

    set(&mut heir, "LISTEN_AFTER", "2s");
    scene.deploy_well(&[with(&own, "VERSION", "a3"), heir.clone()]).await?;
    scene.get_until(&asked, "/", |answer| answer.body == "b\n").await?;
    scene.until_only(2).await?;
    let tally = load.stop().await;
    ensure!(scene.get(&asked, "/").await?.body == "b\n");
    scene.end().await?;
    ensure!(tally.failed.is_empty(), "{tally}; {:?}", tally.failures.iter().take(5).collect::<Vec<_>>());
    Ok(())
}

/// Deploys what fails; meanwhile nothing answers at its host.
async fn fail_unseen(scene: &mut Scene<'_>, broken: &DesiredAppling) -> Result<Deployed> {
    let (entrance, host) = (scene.entrance(), broken.routes[0].clone());
    let seen = async {
        loop {
            if let Ok(answer) = http::get(entrance, host.as_str(), "/").await
                && answer.status == 200
            {
                return answer;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let deployed = tokio::select! {
        deployed = scene.deploy(std::slice::from_ref(broken)) => deployed?,
        answer = seen => anyhow::bail!("{host} answers although what asks for it does not work: {answer:?}"),
    };
    ensure!(deployed.of("web").result == ApplingResult::Failed, "{:#?}", deployed.outcomes);
    Ok(deployed)
}
