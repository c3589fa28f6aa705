//! A roll-out through HOPS is no slower than one by hand.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hops_testkit::{Scene, scene::with};

use crate::{kubectl, kubectl_with_input, world::Cluster};

/// Roll-outs of each, in turn, so that both meet the same machine.
const ROUNDS: u32 = 5;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_roll_out_takes_no_longer_than_with_kubectl() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "speed").await?;
    let mut web = scene.appling("web");
    web.replicas = 2;
    scene.deploy_well(std::slice::from_ref(&web)).await?;

    // The same app by hand: Kubernetes' defaults, readiness as promised, in a namespace of its own.
    let namespace = format!("{}-by-hand", scene.target.namespace());
    kubectl(&["create", "namespace", &namespace]).await?;
    let by_hand = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{
                "name": "web", "image": web.image, "ports": [{"containerPort": 3030}],
                "readinessProbe": {"httpGet": {"path": "/health", "port": 3030}, "periodSeconds": 2},
            }]},
        }},
    });
    kubectl_with_input(&["apply", "-f", "-"], &by_hand.to_string()).await?;
    let rollout = ["-n", &namespace, "rollout", "status", "deployment/web", "--timeout=60s"];
    kubectl(&rollout).await?;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        ours.push(scene.deploy_well(&[with(&web, "VERSION", &round.to_string())]).await?.took);
        let begun = Instant::now();
        kubectl(&["-n", &namespace, "set", "env", "deployment/web", &format!("VERSION={round}")]).await?;
        kubectl(&rollout).await?;
        theirs.push(begun.elapsed());
    }
    println!("HOPS {ours:?}, kubectl {theirs:?}");
    kubectl(&["delete", "namespace", &namespace, "--wait=false"]).await?;
    scene.end().await?;
    let (ours, theirs) = (median(ours), median(theirs));
    ensure!(ours <= theirs, "HOPS took {ours:?}, kubectl {theirs:?}");
    Ok(())
}

/// `HOPS_TEST_LONG=1` makes it fifty.
#[tokio::test]
async fn many_applings_of_one_app_roll_out_together() -> Result<()> {
    let count = if std::env::var_os("HOPS_TEST_LONG").is_some() { 50 } else { 8 };
    let cluster = Cluster::with(|settings| settings.progress_deadline = Duration::from_mins(3)).await?;
    let mut scene = Scene::new(&cluster, "many").await?;
    let applings: Vec<_> = (1..=count).map(|n| scene.appling(&format!("a{n}"))).collect();
    let first = scene.deploy_well(&applings).await?;
    let again = scene.deploy_well(&applings).await?;
    ensure!(again.plan.is_empty(), "{}", again.plan);
    println!("{count} applings: first {:?}, unchanged {:?}", first.took, again.took);
    ensure!(again.took < Duration::from_secs(1), "{:?}", again.took);
    scene.end().await
}
