//! Networks: one an app and environment, each with a subnet of its own.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use hops_engine::EngineError;
use hops_model::{AppName, CauseCode, Environment, Target};

use super::{
    super::Daemon,
    scene::{Scene, cause, settings},
};
use crate::{Settings, error::CreateError, labels::Role, names};

super::on_both_engines!(
    many_at_once_get_subnets_that_do_not_overlap,
    a_pool_that_is_full_is_said_to_be,
    another_ones_network_is_left_alone,
    what_is_still_attached_is_detached,
    apps_do_not_see_each_other,
    a_network_that_was_pruned_is_made_anew_with_its_containers,
    a_network_without_an_address_left_is_told,
);

fn target(name: &str) -> Target {
    Target::new(AppName::parse(name).unwrap(), Environment::Prod)
}

async fn subnet(scene: &Scene, id: &str) -> Result<String> {
    let format = "{{range .IPAM.Config}}{{.Subnet}}{{end}}";
    Ok(scene.engine.docker(&["network", "inspect", "--format", format, id]).await?.trim().to_owned())
}

async fn many_at_once_get_subnets_that_do_not_overlap(scene: Arc<Scene>) -> Result<()> {
    // Two platforms on one engine know nothing of each other.
    let other = Daemon::connect(&settings(&scene.engine)).await?;
    let targets: Vec<Target> = (0..6).map(|number| target(&format!("app{number}"))).collect();
    let making = targets.iter().flat_map(|target| {
        [
            scene.daemon.ensure_network(target),
            other.ensure_network(target),
            scene.daemon.ensure_network(target),
        ]
    });
    let networks = futures::future::try_join_all(making).await?;
    let ids: BTreeSet<&str> = networks.iter().map(|network| network.id.as_str()).collect();
    assert_eq!(ids.len(), 12);
    let mut subnets = BTreeSet::new();
    for id in ids {
        subnets.insert(subnet(&scene, id).await?);
    }
    assert_eq!(subnets.len(), 12);
    assert!(subnets.iter().all(|subnet| subnet.ends_with("/28")), "{subnets:?}");
    for daemon in [&scene.daemon, &other] {
        for target in &targets {
            daemon.remove_network(target).await?;
            daemon.remove_network(target).await?;
        }
    }
    Ok(())
}

async fn a_pool_that_is_full_is_said_to_be(scene: Arc<Scene>) -> Result<()> {
    let network = scene.network().await?;
    let pool = vec![subnet(&scene, &network.id).await?.parse()?];
    let daemon = Daemon::connect(&Settings { subnets: pool, ..scene.daemon.settings().clone() }).await?;
    let error = daemon.ensure_network(&target("other")).await.unwrap_err();
    assert!(matches!(error, EngineError::Lacking { .. }), "{error:?}");
    Ok(())
}

async fn another_ones_network_is_left_alone(scene: Arc<Scene>) -> Result<()> {
    let other = target("other");
    let name = names::network(scene.daemon.platform(), &other);
    scene.engine.docker(&["network", "create", "--subnet", &last(&scene.engine.pool), &name]).await?;
    let made = scene.daemon.ensure_network(&other).await;
    let removed = scene.daemon.remove_network(&other).await;
    scene.engine.docker(&["network", "rm", &name]).await?;
    for error in [made.map(drop).unwrap_err(), removed.unwrap_err()] {
        let EngineError::NotOurs { object } = error else { panic!("{error:?}") };
        assert_eq!(object, format!("network {name}"));
    }
    Ok(())
}

/// The last subnet of a pool, which no test reaches.
fn last(pool: &str) -> String {
    let pool: ipnet::Ipv4Net = pool.parse().unwrap();
    pool.subnets(28).unwrap().last().unwrap().to_string()
}

async fn what_is_still_attached_is_detached(scene: Arc<Scene>) -> Result<()> {
    let instance = scene.run(&scene.appling("web"), 1).await?;
    let network = scene.network().await?;
    scene.daemon.remove_network(&scene.target).await?;
    assert!(scene.engine.docker(&["network", "inspect", &network.id]).await.is_err());
    assert!(scene.instance(&instance.id).await?.address.is_none());
    // A network of the same name is another one: what was made for the former has to be made anew.
    let again = scene.run(&scene.appling("web"), 1).await?;
    assert_ne!(again.app().unwrap().id, instance.app().unwrap().id);
    assert_eq!(scene.get(&again, "/health").await?.status, 200);
    Ok(())
}

async fn apps_do_not_see_each_other(scene: Arc<Scene>) -> Result<()> {
    let mine = scene.run(&scene.appling("web"), 1).await?;
    scene.get(&mine, "/").await?;
    let other = target("other");
    let network = scene.daemon.ensure_network(&other).await?;
    let id = scene.daemon.create(&network, &other, &scene.appling("api"), 1, &scene.secrets()).await?;
    scene.daemon.start(&id, &Role::App).await?;
    let theirs = scene.daemon.instances(Some(&other)).await?.remove(0);
    for url in ["http://web:3030/".to_owned(), format!("http://{}:3030/", mine.address.unwrap())] {
        let path = format!("/call?url={url}");
        // Not at once: while any network is being made, Docker 20.10 parts none for a moment.
        let asked =
            hops_testkit::until(async || scene.get(&theirs, &path).await, |answer| answer.status == 502);
        asked.await.with_context(|| url.clone())?;
    }
    scene.daemon.remove(&id).await?;
    Ok(scene.daemon.remove_network(&other).await?)
}

async fn a_network_that_was_pruned_is_made_anew_with_its_containers(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.sidecars.push(scene.sidecar("proxy"));
    let instance = scene.run(&appling, 1).await?;
    scene.daemon.stop(&instance.id, Duration::from_secs(5)).await?;
    scene.engine.docker(&["network", "rm", &names::network(scene.daemon.platform(), &scene.target)]).await?;
    let owner = instance.id.roles().next().unwrap();
    let failed = scene.daemon.start(&instance.id, &owner).await;
    assert!(matches!(failed, Err(CreateError::Engine(EngineError::Failed { .. }))), "{failed:?}");
    assert!(!scene.instance(&instance.id).await?.is_whole(&appling));
    let again = scene.run(&appling, 1).await?;
    assert_eq!(again.id, instance.id);
    assert_eq!(scene.get(&again, "/health").await?.status, 200);
    Ok(())
}

async fn a_network_without_an_address_left_is_told(scene: Arc<Scene>) -> Result<()> {
    let small = Settings { subnet_prefix: 30, ..scene.daemon.settings().clone() };
    let daemon = Daemon::connect(&small).await?;
    // One address is the machine's own.
    daemon.ensure_network(&scene.target).await?;
    scene.run(&scene.appling("web"), 1).await?;
    let id = scene.create(&scene.appling("web"), 2).await?;
    let cause = cause(daemon.start(&id, &Role::App).await);
    assert_eq!(cause.code, CauseCode::DoesNotFit, "{cause:?}");
    Ok(())
}
