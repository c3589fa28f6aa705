//! No request is lost, no body cut and no WebSocket closed early in roll-outs under load. `HOPS_TEST_LONG=1` makes it
//! twenty roll-outs and twenty rollbacks at 1,000 requests a second.

use anyhow::{Result, ensure};
use hops_testkit::{
    DockerEngine, Load,
    conformance::rollout::{Counted, Manners, Rollouts, no_request_is_lost},
};

use crate::world::Machine;

async fn check(engine: DockerEngine, manners: Manners, replicas: u16) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let is_long = std::env::var_os("HOPS_TEST_LONG").is_some();
    let times = if is_long { 20 } else { 3 };
    let load = if is_long {
        |address, host: &str| Load::of_all_kinds(address, host, 1000)
    } else {
        |address, host: &str| Load::of_all_kinds(address, host, 250)
    };
    let rollouts = Rollouts { manners, replicas, forth: times, back: times, load };
    let Counted { tally, mut took } = no_request_is_lost(&machine, rollouts).await?;
    // A load without them would show nothing of them.
    for kind in ["keep-alive", "fresh", "slow", "slow upload", "slow download", "WebSocket"] {
        ensure!(tally.sent_of.get(kind).is_some_and(|count| *count > 0), "no {kind}: {:?}", tally.sent_of);
    }
    took.sort_unstable();
    println!(
        "{manners:?}, {replicas} replicas: {tally}; {times} roll-outs and {times} rollbacks, median {:?}, longest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );
    Ok(())
}

on_both_engines! {
    a_polite_app_with_two_replicas_loses_nothing,
    a_polite_app_with_one_replica_loses_nothing,
    an_app_that_dies_at_once_with_two_replicas_loses_nothing,
    an_app_that_dies_at_once_with_one_replica_loses_nothing,
    an_app_that_ignores_it_as_process_1_with_one_replica_loses_nothing,
}

async fn a_polite_app_with_two_replicas_loses_nothing(engine: DockerEngine) -> Result<()> {
    check(engine, Manners::Polite, 2).await
}

async fn a_polite_app_with_one_replica_loses_nothing(engine: DockerEngine) -> Result<()> {
    check(engine, Manners::Polite, 1).await
}

async fn an_app_that_dies_at_once_with_two_replicas_loses_nothing(engine: DockerEngine) -> Result<()> {
    check(engine, Manners::Dies, 2).await
}

async fn an_app_that_dies_at_once_with_one_replica_loses_nothing(engine: DockerEngine) -> Result<()> {
    check(engine, Manners::Dies, 1).await
}

async fn an_app_that_ignores_it_as_process_1_with_one_replica_loses_nothing(
    engine: DockerEngine,
) -> Result<()> {
    check(engine, Manners::Naive, 1).await
}
