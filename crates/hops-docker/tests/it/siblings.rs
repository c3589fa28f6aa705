//! Applings reach each other by name, and notice nothing of a roll-out: only who takes requests is found.

use std::time::Duration;

use anyhow::{Result, ensure};
use hops_model::{DesiredAppling, Port};
use hops_testkit::{
    DockerEngine, Scene,
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
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let calls = tokio::spawn(async move {
        let mut all = Vec::new();
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while stopped.try_recv().is_err() {
            ticks.tick().await;
            all.push(hops_testkit::http::get(entrance, &host, path).await);
        }
        all
    });
    for version in 1..=3 {
        // Who answers before it is ready would be heard.
        let next = with(&with(&api, "VERSION", &version.to_string()), "READY_AFTER", "1s");
        let deployed = scene.deploy_well(&[web.clone(), next]).await?;
        ensure!(deployed.of("api").result == hops_model::ApplingResult::Live);
        scene.get_until(&web, path, |answer| answer.body == format!("{version}\n")).await?;
    }
    // The last one's predecessor finds its end meanwhile.
    scene.until_only(3).await?;
    let _ = stop.send(());
    let calls = calls.await?;
    let is_good =
        |call: &&Result<hops_testkit::http::Answer, _>| matches!(call, Ok(answer) if answer.status == 200);
    let failed: Vec<_> = calls.iter().filter(|call| !is_good(call)).collect();
    ensure!(failed.is_empty(), "{} of {} failed, such as {:?}", failed.len(), calls.len(), failed.first());
    // Kept connections lead to the former version until its end.
    let last = calls.iter().flatten().next_back().map(|answer| answer.body.as_str());
    ensure!(last == Some("3\n"), "{last:?}");
    scene.end().await
}

async fn an_unready_container_is_not_found_by_siblings(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "unfound").await?;
    let (web, api) = (scene.appling("web"), private(&scene));
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    let process = "/call?url=http://api:8080/process";
    let answer = scene.get_until(&web, process, |answer| answer.status == 200).await?;
    // One of the two, which one is all the same.
    scene.get(&web, "/call?url=http://api:8080/set-health/500").await?;
    let ready = async {
        while scene.engine().status(&scene.target).await?.iter().any(|appling| appling.ready == 2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(20), ready).await??;
    let mut heard = Vec::new();
    for _ in 0..20 {
        heard.push(scene.get(&web, process).await?.body);
    }
    heard.dedup();
    ensure!(heard.len() == 1, "one that is not ready answers, too: {heard:?} {answer:?}");
    scene.end().await
}

on_both_engines!(a_roll_out_loses_no_request_between_siblings, an_unready_container_is_not_found_by_siblings,);
