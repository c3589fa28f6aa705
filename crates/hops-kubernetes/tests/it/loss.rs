//! No request is lost in roll-outs under load. `HOPS_TEST_LONG=1` makes it twenty in a row.

use anyhow::Result;
use hops_testkit::{
    Load,
    conformance::rollout::{Counted, Manners, Rollouts, no_request_is_lost},
};

use crate::world::Cluster;

/// Requests a second.
const RATE: u32 = 500;

/// One at a time: two loads on one machine would measure each other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn check(manners: Manners, replicas: u16) -> Result<()> {
    let _alone = ALONE.lock().await;
    let rollouts = if std::env::var_os("HOPS_TEST_LONG").is_some() { 20 } else { 3 };
    let cluster = Cluster::new().await?;
    let load = |address, host: &str| Load::new(address, host, RATE);
    let plan = Rollouts { manners, replicas, forth: rollouts, back: 0, load };
    let Counted { tally, mut took } = no_request_is_lost(&cluster, plan).await?;
    took.sort_unstable();
    println!(
        "{manners:?}, {replicas} replicas: {tally}; {rollouts} roll-outs, median {:?}, longest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );
    Ok(())
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
