//! HOPS and Docker die in the middle of what they do. What runs goes on, and a deploy can be applied again.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hops_engine::Events;
use hops_model::{ApplingResult, Event};
use hops_testkit::{
    DockerEngine, Load, Scene,
    load::Request,
    scene::{apply, with},
};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::world::Machine;

on_both_engines! {
    hops_killed_in_a_roll_out_ends_it_well_when_it_is_applied_again,
    hops_killed_again_and_again_in_a_roll_out_leaves_nothing_behind,
    hops_killed_before_a_failure_keeps_what_served,
    routes_are_there_when_hops_listens_again,
    docker_restarted_loses_no_request,
    docker_killed_loses_no_request,
    docker_restarted_in_a_roll_out_does_not_fail_it,
}

/// A version that takes a while to become ready, so that there is a middle to be killed in.
const SLOWLY: &str = "10s";

async fn hops_killed_in_a_roll_out_ends_it_well_when_it_is_applied_again(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "killed").await?;
    let mut web = with(&scene.appling("web"), "VERSION", "one");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let next = with(&with(&web, "VERSION", "two"), "READY_AFTER", SLOWLY);
    let plan = scene.plan(std::slice::from_ref(&next)).await?;
    let (events, mut told) = Events::channel();
    let kill = async {
        // The new containers are there and not ready yet.
        it_is_on_its_way(&mut told).await?;
        machine.kill_hops().await;
        anyhow::Ok(())
    };
    let (applied, killed) = tokio::join!(apply(scene.engine(), &plan, events), kill);
    killed.with_context(|| format!("{applied:?}"))?;
    ensure!(applied.is_err(), "it was over before HOPS was killed: {applied:?}");
    machine.start_hops().await?;
    let first = scene.get(&web, "/").await?;
    ensure!(first.status == 200, "{first:?}");
    // As the server does it: the written plan, once more.
    let outcomes = scene.engine().apply(&plan, &Events::channel().0).await?;
    ensure!(outcomes[0].result == ApplingResult::Live, "{outcomes:#?}");
    scene.get_until(&next, "/", |answer| answer.body == "two\n").await?;
    scene.until_only(2).await?;
    let containers = machine.containers().await?;
    ensure!(containers.len() == 2, "{containers:?}");
    scene.end().await
}

async fn hops_killed_again_and_again_in_a_roll_out_leaves_nothing_behind(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "again").await?;
    let mut web = with(&scene.appling("web"), "VERSION", "one");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let next = with(&web, "VERSION", "two");
    let plan = scene.plan(std::slice::from_ref(&next)).await?;
    // Earlier and later moments: nothing written, written, created, started, ready, switched, draining.
    for ms in [0, 5, 15, 40, 80, 150, 250, 400, 700, 1200] {
        let (events, _told) = Events::channel();
        let apply = scene.engine().apply(&plan, &events);
        let kill = async {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            machine.kill_hops().await;
        };
        let _ = tokio::join!(apply, kill);
        machine.start_hops().await?;
        // Whichever version serves: one does, from the first request on.
        let answer = scene.get(&web, "/").await?;
        ensure!(answer.status == 200, "after {ms} ms: {answer:?}");
    }
    let outcomes = scene.engine().apply(&plan, &Events::channel().0).await?;
    ensure!(outcomes[0].result != ApplingResult::Failed, "{outcomes:#?}");
    scene.get_until(&next, "/", |answer| answer.body == "two\n").await?;
    scene.until_only(2).await?;
    let containers = machine.containers().await?;
    ensure!(containers.len() == 2, "{containers:?}");
    scene.end().await
}

async fn hops_killed_before_a_failure_keeps_what_served(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "failing").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let broken = with(&with(&web, "VERSION", "two"), "HEALTH", "404");
    let plan = scene.plan(std::slice::from_ref(&broken)).await?;
    let (events, mut told) = Events::channel();
    let kill = async {
        it_is_on_its_way(&mut told).await?;
        machine.kill_hops().await;
        anyhow::Ok(())
    };
    let (applied, killed) = tokio::join!(apply(scene.engine(), &plan, events), kill);
    killed.with_context(|| format!("{applied:?}"))?;
    ensure!(applied.is_err(), "{applied:?}");
    machine.start_hops().await?;
    ensure!(scene.get(&web, "/").await?.body == "one\n");
    let outcomes = scene.engine().apply(&plan, &Events::channel().0).await?;
    ensure!(outcomes[0].result == ApplingResult::Failed && outcomes[0].restored.is_some(), "{outcomes:#?}");
    ensure!(scene.get(&web, "/").await?.body == "one\n");
    scene.until_only(1).await?;
    scene.end().await
}

/// Killed and started again under load: requests are refused while it is away, and from then on none is lost.
async fn routes_are_there_when_hops_listens_again(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "back").await?;
    let mut web = scene.appling("web");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let load = Load { mix: vec![Request::Fresh], ..Load::new(scene.entrance(), web.routes[0].as_str(), 200) };
    let load = load.start();
    let mut away = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        machine.kill_hops().await;
        let begun = std::time::Instant::now();
        machine.start_hops().await?;
        away.push(begun.elapsed());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let tally = load.stop().await;
    println!("HOPS killed and started three times, away for {away:?}: {tally}");
    // Refused or reset with the process that died; never an answer that says there is no such app.
    let answers: Vec<_> = tally.failed.keys().filter(|reason| reason.contains("status")).collect();
    ensure!(answers.is_empty(), "{tally}");
    ensure!(tally.answered > 0);
    scene.end().await
}

async fn docker_restarted_loses_no_request(engine: DockerEngine) -> Result<()> {
    restarted_under_load(engine, false).await
}

async fn docker_killed_loses_no_request(engine: DockerEngine) -> Result<()> {
    restarted_under_load(engine, true).await
}

async fn restarted_under_load(engine: DockerEngine, kill: bool) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "live").await?;
    let mut web = with(&scene.appling("web"), "VERSION", "one");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let containers = machine.containers().await?;
    let load = Load::of_all_kinds(scene.entrance(), web.routes[0].as_str(), 200).start();
    for _ in 0..2 {
        machine.engine.restart(kill).await?;
    }
    // HOPS sees the new daemon: an exit is noticed, and a deploy goes through.
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let next = with(&web, "VERSION", "two");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    scene.get_until(&next, "/", |answer| answer.body == "two\n").await?;
    let tally = load.stop().await;
    println!("Docker restarted twice (killed: {kill}): {tally}");
    ensure!(tally.failed.is_empty(), "{tally}; {:?}", tally.failures.iter().take(5).collect::<Vec<_>>());
    scene.until_only(2).await?;
    let after = machine.containers().await?;
    ensure!(after.iter().all(|name| !containers.contains(name)), "{containers:?} {after:?}");
    scene.end().await
}

async fn docker_restarted_in_a_roll_out_does_not_fail_it(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "middle").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let next = with(&with(&web, "VERSION", "two"), "READY_AFTER", SLOWLY);
    let plan = scene.plan(std::slice::from_ref(&next)).await?;
    let (events, mut told) = Events::channel();
    let restart = async {
        it_is_on_its_way(&mut told).await?;
        machine.engine.restart(true).await
    };
    let (outcomes, restarted) = tokio::join!(apply(scene.engine(), &plan, events), restart);
    let outcomes = outcomes.context("applying")?;
    restarted?;
    ensure!(outcomes[0].result == ApplingResult::Live, "{outcomes:#?}");
    scene.get_until(&next, "/", |answer| answer.body == "two\n").await?;
    scene.end().await
}

/// Until new containers are there, which take a while to become ready.
async fn it_is_on_its_way(told: &mut UnboundedReceiver<Event>) -> Result<()> {
    while let Some(event) = told.recv().await {
        if matches!(event, Event::Rollout { .. }) {
            return Ok(());
        }
    }
    bail!("the roll-out was over before anything was told of it")
}
