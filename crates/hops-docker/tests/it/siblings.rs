//! Applings reach each other by name, and notice nothing of a roll-out: only who takes requests is found.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use hops_model::{DesiredAppling, Port};
use hops_testkit::{
    DockerEngine, PATIENCE, Scene,
    http::Answer,
    scene::{set, with},
};

use crate::world::Machine;

/// An appling without a route that answers on port 8080.
fn private(scene: &Scene<'_>) -> DesiredAppling {
    let mut api = with(&scene.appling("api"), "VERSION", "0");
    api.port = Port::new(8080).expect("a port");
    set(&mut api, "PORT", "8080");
    api.routes.clear();
    api.replicas = 2;
    api
}

async fn a_roll_out_loses_no_request_between_siblings(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "siblings").await?;
    let (web, api) = (scene.appling("web"), private(&scene));
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    let (entrance, host) = (scene.entrance(), web.routes[0].as_str().to_owned());
    let path = "/call?url=http://api:8080/";
    scene.get_until(&web, path, |answer| answer.body == "0\n").await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let calls = tokio::spawn({
        let is_over = is_over.clone();
        async move {
            let mut all = Vec::new();
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                let is_last = is_over.load(Ordering::Relaxed);
                ticks.tick().await;
                // Who is found before it is ready says so.
                for call in ["/call?url=http://api:8080/health", path] {
                    all.push(hops_testkit::http::get(entrance, &host, call).await);
                }
                if is_last {
                    return all;
                }
            }
        }
    });
    for version in 1..=3 {
        let next = with(&with(&api, "VERSION", &version.to_string()), "READY_AFTER", "1s");
        let deployed = scene.deploy_well(&[web.clone(), next]).await?;
        ensure!(deployed.of("api").result == hops_model::ApplingResult::Live);
        scene.get_until(&web, path, |answer| answer.body == format!("{version}\n")).await?;
    }
    // The last one's predecessor finds its end meanwhile.
    scene.until_only(3).await?;
    // One more call, which only the last one can answer.
    is_over.store(true, Ordering::Relaxed);
    let calls = calls.await?;
    let is_good = |call: &&Result<Answer, _>| matches!(call, Ok(answer) if answer.status == 200);
    let failed: Vec<_> = calls.iter().filter(|call| !is_good(call)).collect();
    ensure!(failed.is_empty(), "{} of {} failed, such as {:?}", failed.len(), calls.len(), failed.first());
    let last = calls.iter().flatten().next_back().map(|answer| answer.body.as_str());
    ensure!(last == Some("3\n"), "{last:?}");
    scene.end().await
}

async fn an_unready_container_is_not_found_by_siblings(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "unfound").await?;
    let (web, api) = (scene.appling("web"), private(&scene));
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    // One of the two, which says which one it is.
    let unready = scene.get(&web, "/call?url=http://api:8080/set-health/500").await?;
    ensure!(unready.status == 200 && unready.body.contains("started_at"), "{unready:?}");
    let ready = async {
        while scene.engine().status(&scene.target).await?.iter().any(|appling| appling.ready == 2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, ready).await??;
    // Go looks into the file with the names every five seconds at most. Once the other one is found, it is for good.
    let process = "/call?url=http://api:8080/process";
    let is_other = |answer: &Answer| answer.status == 200 && answer.body != unready.body;
    let other = scene.get_until(&web, process, is_other).await?;
    for _ in 0..20 {
        let answer = scene.get(&web, process).await?;
        ensure!(answer == other, "{answer:?} instead of {other:?}; not ready is {unready:?}");
    }
    scene.end().await
}

on_both_engines!(a_roll_out_loses_no_request_between_siblings, an_unready_container_is_not_found_by_siblings,);
