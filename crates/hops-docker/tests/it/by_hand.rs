//! What people do to containers behind HOPS' back is mended.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hops_model::{ApplingResult, HostName};
use hops_testkit::{
    DockerEngine, Load, PATIENCE, Scene,
    load::{Failure, Request},
    scene::with,
};

use crate::{log, world::Machine};

on_both_engines! {
    a_killed_container_comes_back,
    a_removed_container_comes_back,
    a_stopped_container_comes_back,
    one_killed_replica_of_two_loses_nothing_but_what_it_held,
    what_was_removed_while_hops_was_away_comes_back,
    another_number_of_replicas_replaces_no_container,
    another_host_replaces_no_container,
}

/// Until the containers are as wanted.
async fn until(machine: &Machine, is_wanted: impl Fn(&[String]) -> bool) -> Result<()> {
    let mut last = Vec::new();
    let look = async {
        loop {
            last = machine.containers().await?;
            if is_wanted(&last) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let looked = tokio::time::timeout(PATIENCE, look).await;
    looked.with_context(|| format!("not as wanted in time; there are {last:?}"))?
}

/// Does something to the only container, and insists that another process answers afterwards.
async fn comes_back(engine: DockerEngine, action: &[&str]) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "hand").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let before = scene.get_until(&web, "/process", |answer| answer.status == 200).await?;
    let containers = machine.containers().await?;
    ensure!(containers.len() == 1, "{containers:?}");
    machine.engine.docker(&[action, &[containers[0].as_str()]].concat()).await?;
    scene.get_until(&web, "/process", |answer| answer.status == 200 && answer.body != before.body).await?;
    until(&machine, |containers| containers.len() == 1).await?;
    // It is the same form: nothing is left to do.
    let again = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(again.of("web").result == ApplingResult::Unchanged, "{}", again.plan);
    scene.end().await?;
    ensure!(machine.containers().await?.is_empty());
    Ok(())
}

async fn a_killed_container_comes_back(engine: DockerEngine) -> Result<()> {
    comes_back(engine, &["kill"]).await
}

async fn a_removed_container_comes_back(engine: DockerEngine) -> Result<()> {
    comes_back(engine, &["rm", "--force"]).await
}

async fn a_stopped_container_comes_back(engine: DockerEngine) -> Result<()> {
    comes_back(engine, &["stop"]).await
}

/// With two replicas one can be killed: only requests that it was answering are lost, none that comes after.
async fn one_killed_replica_of_two_loses_nothing_but_what_it_held(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "kill").await?;
    let mut web = scene.appling("web");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let load = Load { mix: vec![Request::Fresh], ..Load::new(scene.entrance(), web.routes[0].as_str(), 200) };
    let mut load = load.start();
    let mut kills = Vec::new();
    for _ in 0..3 {
        // More than any request takes, so that each loss belongs to one kill.
        load.send_more(3 * 200).await;
        let containers = machine.containers().await?;
        let begun = load.elapsed();
        machine.engine.docker(&["kill", &containers[0]]).await?;
        kills.push(begun..load.elapsed());
        until(&machine, |containers| containers.len() == 2).await?;
        let ready = async {
            while scene.engine().status(&scene.target).await?[0].ready < 2 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, ready).await.context("not ready again")??;
    }
    let tally = load.stop().await;
    println!("three times one of two replicas killed: {tally}");
    let was_held = |lost: &Failure| kills.iter().any(|kill| lost.due < kill.end && lost.ended >= kill.start);
    let unexplained: Vec<_> = tally.failures.iter().filter(|lost| !was_held(lost)).collect();
    ensure!(unexplained.is_empty(), "killed at {kills:?}: {tally}; {unexplained:?}");
    scene.end().await
}

async fn what_was_removed_while_hops_was_away_comes_back(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "away").await?;
    let mut web = scene.appling("web");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let before = machine.containers().await?;
    machine.kill_hops().await;
    ensure!(machine.containers().await? == before, "apps do not need HOPS");
    machine.engine.docker(&["rm", "--force", &before[0]]).await?;
    machine.start_hops().await?;
    // One is there from the first request on; the other is made again, and whoever reads the log is told.
    ensure!(scene.get(&web, "/").await?.status == 200);
    let app = scene.target.app.as_str();
    let said = log::lines(app);
    ensure!(said.iter().any(|line| line.contains("a container is gone; making it anew")), "{said:?}");
    until(&machine, |containers| containers.len() == 2).await?;
    let again = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(again.of("web").result == ApplingResult::Unchanged, "{}", again.plan);
    scene.end().await
}

async fn another_number_of_replicas_replaces_no_container(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "scale").await?;
    let mut web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let before = machine.containers().await?;
    web.replicas = 3;
    let more = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(more.plan.applings.iter().all(|appling| !appling.restarts), "{}", more.plan);
    let after = machine.containers().await?;
    ensure!(after.len() == 3 && after.contains(&before[0]), "{before:?} {after:?}");
    web.replicas = 1;
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    until(&machine, |containers| containers == before).await?;
    ensure!(scene.get(&web, "/").await?.status == 200);
    scene.end().await
}

async fn another_host_replaces_no_container(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "host").await?;
    let mut web = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let before = machine.containers().await?;
    let former = web.clone();
    web.routes = vec![HostName::parse(&format!("other.{}.test.example", scene.target.app.dns()))?];
    let moved = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(moved.plan.applings.iter().all(|appling| !appling.restarts), "{}", moved.plan);
    ensure!(scene.get(&web, "/").await?.body == "one\n");
    ensure!(scene.get(&former, "/").await?.status == 404);
    ensure!(machine.containers().await? == before);
    scene.end().await
}
