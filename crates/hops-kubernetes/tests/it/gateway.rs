//! Routes for a Gateway, as a real API server that knows the Gateway API takes them.

use anyhow::{Result, ensure};
use hops_engine::Action;
use hops_kubernetes::{Gateway, Settings};
use hops_testkit::Scene;
use serde_json::{Value, json};

use crate::{kubectl, world::Cluster};

#[tokio::test]
async fn a_route_for_the_gateway_comes_stays_and_goes_with_the_setting() -> Result<()> {
    let gateway = |settings: &mut Settings| {
        settings.gateway = Some(Gateway {
            name: "public".into(),
            namespace: "gateways".into(),
            section: Some("http".into()),
        });
    };
    let (with, without) = (Cluster::with(gateway).await?, Cluster::new().await?);
    let mut scene = Scene::new(&with, "gateway").await?;
    let namespace = scene.target.namespace();
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;

    let live = kubectl(&["-n", &namespace, "get", "httproute", "web", "-o", "json"]).await?;
    let live: Value = serde_json::from_str(&live)?;
    let spec = &live["spec"];
    ensure!(spec["hostnames"] == json!([web.routes[0].as_str()]), "{spec:#}");
    let parent = &spec["parentRefs"][0];
    ensure!(parent["kind"] == "Gateway" && parent["sectionName"] == "http", "{spec:#}");
    let backend = &spec["rules"][0]["backendRefs"][0];
    ensure!(backend["name"] == web.service.as_str() && backend["port"] == web.port.number(), "{spec:#}");

    let again = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(again.plan.steps.iter().all(|step| step.action == Action::Keep), "{}", again.plan);
    let target = scene.target.clone();
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;

    let mut later = Scene::of(&without, target).await?;
    let pruned = later.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(pruned.plan.to_string().contains("- HTTPRoute web"), "{}", pruned.plan);
    let there = kubectl(&["-n", &namespace, "get", "httproute,ingress", "-o", "name"]).await?;
    ensure!(there == "ingress.networking.k8s.io/web\n", "{there}");
    later.end().await?;
    Ok(())
}
