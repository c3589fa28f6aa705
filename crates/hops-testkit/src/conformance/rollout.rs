//! Promise 5 and 6: from one version to the next without losing a request.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use hops_model::{ApplingResult, Event, Port};

use crate::{
    Load, Tally,
    scene::{Scene, World, set, with},
};

/// A deploy without changes restarts nothing and is over at once.
pub async fn an_unchanged_appling_is_left_alone(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "same").await?;
    let web = scene.appling("web");
    let api = scene.appling("api");
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    let before = scene.get_until(&web, "/process", |answer| answer.status == 200).await?;
    let again = scene.deploy_well(&[web.clone(), api.clone()]).await?;
    ensure!(
        again.outcomes.iter().all(|outcome| outcome.result == ApplingResult::Unchanged),
        "{}",
        again.plan
    );
    let one = scene.deploy_well(&[web.clone(), with(&api, "VERSION", "two")]).await?;
    ensure!(one.of("web").result == ApplingResult::Unchanged && one.of("api").result == ApplingResult::Live);
    ensure!(scene.get(&web, "/process").await?.body == before.body);
    scene.end().await
}

/// The next request after "live" is answered by the new version, and events tell the way there.
pub async fn live_means_that_the_new_version_answers(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "next").await?;
    let mut web = with(&scene.appling("web"), "VERSION", "one");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let next = with(&web, "VERSION", "two");
    let deployed = scene.deploy_well(std::slice::from_ref(&next)).await?;
    let live = deployed.events.iter().filter(|(_, event)| matches!(event, Event::Live { .. })).count();
    let on_the_way = deployed.events.iter().any(|(_, event)| matches!(event, Event::Rollout { .. }));
    ensure!(live == 1 && on_the_way, "{:#?}", deployed.events);
    let status = scene.engine().status(&scene.target).await?;
    ensure!(status[0].ready == 2 && status[0].release.0 == 2, "{status:#?}");
    scene.get_until(&next, "/", |answer| answer.body == "two\n").await?;
    scene.end().await
}

/// A former release is put into effect again.
pub async fn a_former_release_comes_back(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "back").await?;
    let one = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&one)).await?;
    let two = with(&one, "VERSION", "two");
    scene.deploy_well(std::slice::from_ref(&two)).await?;
    scene.get_until(&two, "/", |answer| answer.body == "two\n").await?;
    scene.deploy_well(std::slice::from_ref(&one)).await?;
    scene.get_until(&one, "/", |answer| answer.body == "one\n").await?;
    scene.end().await
}

/// More replicas come, and go again.
pub async fn another_number_of_replicas_is_reached(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "scale").await?;
    let mut web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    web.replicas = 3;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let after = scene.engine().status(&scene.target).await?;
    ensure!(after[0].ready == 3, "{after:#?}");
    web.replicas = 1;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.until_only(1).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    scene.end().await
}

/// An appling that is no longer wanted goes, with its route.
pub async fn what_is_no_longer_wanted_goes(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "prune").await?;
    let web = scene.appling("web");
    let old = scene.appling("old");
    scene.deploy_well(&[web.clone(), old.clone()]).await?;
    scene.get_until(&old, "/", |answer| answer.status == 200).await?;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&old, "/", |answer| answer.status == 404).await?;
    scene.end().await
}

/// A host that moves from one appling to another is answered all the while.
pub async fn a_host_moves_to_another_appling_without_a_loss(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "move").await?;
    let old = with(&scene.appling("old"), "VERSION", "old");
    scene.deploy_well(std::slice::from_ref(&old)).await?;
    scene.get_until(&old, "/", |answer| answer.status == 200).await?;
    let load = Load::new(scene.entrance(), old.routes[0].as_str(), 100).start();
    let mut new = with(&scene.appling("new"), "VERSION", "new");
    new.routes.clone_from(&old.routes);
    set(&mut new, "LISTEN_AFTER", "2s");
    scene.deploy_well(std::slice::from_ref(&new)).await?;
    scene.get_until(&new, "/", |answer| answer.body == "new\n").await?;
    // The old one's last request is answered by then.
    scene.until_only(1).await?;
    let tally = load.stop().await;
    scene.end().await?;
    ensure!(tally.failed.is_empty(), "{tally}; {:?}", tally.failures.iter().take(5).collect::<Vec<_>>());
    Ok(())
}

/// A new version that listens on another port takes over without a loss.
pub async fn the_port_changes_without_a_loss(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "port").await?;
    let old = with(&scene.appling("web"), "VERSION", "old");
    scene.deploy_well(std::slice::from_ref(&old)).await?;
    scene.get_until(&old, "/", |answer| answer.status == 200).await?;
    let load = Load::new(scene.entrance(), old.routes[0].as_str(), 100).start();
    let mut new = with(&with(&old, "VERSION", "new"), "PORT", "8123");
    new.port = Port::new(8123).context("a port")?;
    scene.deploy_well(std::slice::from_ref(&new)).await?;
    scene.get_until(&new, "/", |answer| answer.body == "new\n").await?;
    scene.until_only(1).await?;
    let tally = load.stop().await;
    scene.end().await?;
    ensure!(tally.failed.is_empty(), "{tally}; {:?}", tally.failures.iter().take(5).collect::<Vec<_>>());
    Ok(())
}

/// How an app takes SIGTERM, in the words of the test app.
#[derive(Debug, Clone, Copy)]
pub enum Manners {
    /// Answers what it has, then exits.
    Polite,
    /// Exits at once.
    Dies,
    /// Has no handler, and so ignores it as process 1.
    Naive,
}

/// Roll-outs in a row, under load.
#[derive(Debug, Clone, Copy)]
pub struct Rollouts {
    /// Of the app.
    pub manners: Manners,
    /// Of the app.
    pub replicas: u16,
    /// How many versions follow the first one.
    pub forth: u32,
    /// How many former versions are gone back to after that, one by one.
    pub back: u32,
    /// The load, of what address and host it is given.
    pub load: fn(SocketAddr, &str) -> Load,
}

/// What became of the requests, and how long each roll-out took.
#[derive(Debug)]
pub struct Counted {
    /// The requests.
    pub tally: Tally,
    /// The roll-outs, those back last.
    pub took: Vec<Duration>,
}

/// Roll-outs in a row under load lose no request.
pub async fn no_request_is_lost(world: &dyn World, rollouts: Rollouts) -> Result<Counted> {
    let Rollouts { manners, replicas, forth, back, load } = rollouts;
    let on_term = match manners {
        Manners::Polite => "polite",
        Manners::Dies => "die",
        Manners::Naive => "naive",
    };
    let mut scene = Scene::new(world, "loss").await?;
    let mut web = with(&with(&scene.appling("web"), "ON_TERM", on_term), "VERSION", "0");
    web.replicas = replicas;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let load = load(scene.entrance(), web.routes[0].as_str());
    let rate = load.rate;
    let load = load.start();
    let mut took = Vec::new();
    for version in (1..=forth).chain((forth.saturating_sub(back)..forth).rev()) {
        let next = with(&web, "VERSION", &version.to_string());
        took.push(scene.deploy_well(std::slice::from_ref(&next)).await?.took);
        // Until the load meets the new version alone: the old one drains meanwhile.
        scene.get_until(&next, "/", |answer| answer.body == format!("{version}\n")).await?;
    }
    // The last version's predecessor is still on its way out.
    scene.until_only(usize::from(replicas)).await?;
    let tally = load.stop().await;
    scene.end().await?;
    ensure!(
        tally.failed.is_empty(),
        "{tally}; first failures: {:?}",
        tally.failures.iter().take(5).collect::<Vec<_>>()
    );
    ensure!(tally.sent > u64::from(rate), "{tally}");
    Ok(Counted { tally, took })
}
