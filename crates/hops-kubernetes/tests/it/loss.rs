//! No request is lost in roll-outs under load. `HOPS_TEST_LONG=1` makes it twenty in a row.

use std::time::Duration;

use anyhow::Result;
use hops_kubernetes::Settings;
use hops_testkit::{
    Load,
    conformance::rollout::{Counted, Manners, Rollouts, no_request_is_lost},
};

use crate::world::Cluster;

/// Requests a second: as many as meet each moment of a roll-out, and leave the processor to those that carry it out.
const RATE: u32 = 250;

/// Longer than that of other tests: the ingress controller takes notice late of what hundreds of requests a second meet.
const DRAIN: Duration = Duration::from_secs(20);

async fn check(manners: Manners, replicas: u16) -> Result<()> {
    check_on(&Cluster::with(|settings| settings.drain = DRAIN).await?, manners, replicas).await
}

async fn check_on(cluster: &Cluster, manners: Manners, replicas: u16) -> Result<()> {
    let rollouts = if std::env::var_os("HOPS_TEST_LONG").is_some() { 20 } else { 3 };
    let load = |address, host: &str| Load::new(address, host, RATE);
    let plan = Rollouts { manners, replicas, forth: rollouts, back: 0, load };
    let Counted { tally, mut took } = no_request_is_lost(cluster, plan).await?;
    took.sort_unstable();
    println!(
        "{manners:?}, {replicas} replicas: {tally}; {rollouts} roll-outs, median {:?}, longest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );
    Ok(())
}

/// With nothing else on the machine, see `.config/nextest.toml`: the others leave the ingress controller more time.
#[tokio::test]
async fn the_default_drain_is_enough() -> Result<()> {
    let cluster = Cluster::with(|settings| settings.drain = Settings::default().drain).await?;
    check_on(&cluster, Manners::Dies, 2).await
}

#[tokio::test]
async fn a_polite_app_with_two_replicas_loses_nothing() -> Result<()> {
    check(Manners::Polite, 2).await
}

#[tokio::test]
async fn a_polite_app_with_one_replica_loses_nothing() -> Result<()> {
    check(Manners::Polite, 1).await
}

#[tokio::test]
async fn an_app_that_dies_at_once_with_two_replicas_loses_nothing() -> Result<()> {
    check(Manners::Dies, 2).await
}

#[tokio::test]
async fn an_app_that_dies_at_once_with_one_replica_loses_nothing() -> Result<()> {
    check(Manners::Dies, 1).await
}

#[tokio::test]
async fn an_app_that_ignores_it_as_process_1_with_two_replicas_loses_nothing() -> Result<()> {
    check(Manners::Naive, 2).await
}

#[tokio::test]
async fn an_app_that_ignores_it_as_process_1_with_one_replica_loses_nothing() -> Result<()> {
    check(Manners::Naive, 1).await
}
