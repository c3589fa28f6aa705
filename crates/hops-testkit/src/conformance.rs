//! Behaviours that every engine has to show, each a function over a [`World`]. What they promise is design.md 1.
//!
//! [`conformance!`](crate::conformance!) makes a test of each, so that an engine's own tests name the engine and nothing
//! else, and no engine can leave one out.

use anyhow::{Result, bail};

use crate::{Impossible, World};

pub mod crashes;
pub mod environment;
pub mod isolation;
pub mod limits;
pub mod reach;
pub mod readiness;
pub mod rollout;
pub mod signals;

/// All behaviours, as tests of a world that this expression makes.
///
/// ```ignore
/// hops_testkit::conformance!(crate::world::Cluster::new());
/// ```
#[macro_export]
macro_rules! conformance {
    ($world:expr) => {
        $crate::conformance_tests! { $world;
            readiness:
                a_ready_appling_is_live_and_reachable,
                an_unready_container_gets_no_requests_and_no_restart,
                a_failing_liveness_path_restarts_the_container,
                a_wrong_readiness_path_is_reported_with_its_answer,
                a_wrong_port_is_reported_with_the_right_one,
                a_slow_start_is_no_failure;
            crashes:
                a_process_that_exits_is_started_again,
                one_exit_at_the_start_is_forgiven,
                an_exit_at_once_is_reported_with_code_and_lines,
                too_much_memory_is_reported_with_the_limit,
                a_failed_appling_keeps_its_running_version;
            environment:
                variables_arrive_as_written,
                siblings_are_reached_by_their_service_names,
                environments_are_apart,
                a_sidecar_starts_first_and_shares_the_network,
                a_sidecar_is_there_until_its_app_has_stopped;
            isolation:
                another_app_is_out_of_reach;
            limits:
                memory_is_limited_as_the_file_says,
                a_zombie_is_buried_by_the_init;
            signals:
                an_app_is_told_to_stop_and_finishes,
                an_app_without_a_handler_stops_at_once,
                an_app_that_goes_on_is_killed_after_30_seconds;
            rollout:
                an_unchanged_appling_is_left_alone,
                live_means_that_the_new_version_answers,
                a_former_release_comes_back,
                another_number_of_replicas_is_reached,
                what_is_no_longer_wanted_goes,
                a_host_moves_to_another_appling_without_a_loss,
                the_port_changes_without_a_loss;
            reach:
                a_failing_form_opens_nothing,
                a_failing_form_takes_no_host_away,
                a_host_moves_between_two_that_stay_without_a_loss;
        }
    };
}

/// Makes the tests of [`conformance!`](crate::conformance!).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($world:expr; $($topic:ident: $($behaviour:ident),+;)+) => {
        $(mod $topic {
            $(#[tokio::test]
            async fn $behaviour() -> anyhow::Result<()> {
                let world = $world.await?;
                let shown = $crate::conformance::$topic::$behaviour(&world).await;
                $crate::conformance::judge(&world, stringify!($behaviour), shown)
            })+
        })+
    };
}

/// Holds what was shown against what cannot be shown in this world: that has to fail as it is said to fail, or it need not
/// be said any more.
pub fn judge(world: &dyn World, behaviour: &str, shown: Result<()>) -> Result<()> {
    let said = world.cannot().iter().find(|impossible| impossible.behaviour == behaviour);
    let Some(Impossible { reason, error: expected, .. }) = said else { return shown };
    match shown {
        Ok(()) => bail!("it is said not to be possible ({reason}), and yet it holds"),
        Err(error) if format!("{error:#}").contains(expected) => Ok(()),
        Err(error) => {
            Err(error
                .context(format!("it is said not to be possible ({reason}), and fails for another reason")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use anyhow::anyhow;
    use async_trait::async_trait;
    use hops_engine::Engine;
    use hops_model::ImageRef;

    use super::*;

    struct Flat;

    #[async_trait]
    impl World for Flat {
        fn engine(&self) -> &dyn Engine {
            unreachable!("nothing is deployed")
        }

        fn entrance(&self) -> SocketAddr {
            unreachable!("nothing is asked")
        }

        fn deadline(&self) -> std::time::Duration {
            unreachable!("nothing is waited for")
        }

        async fn image(&self) -> Result<ImageRef> {
            unreachable!("nothing is deployed")
        }

        fn cannot(&self) -> &[Impossible] {
            &[Impossible { behaviour: "sailing_around", reason: "it ends", error: "over the edge" }]
        }
    }

    #[test]
    fn what_is_impossible_has_to_fail_as_it_is_said_to() {
        let check = |behaviour, shown: Result<()>| judge(&Flat, behaviour, shown);
        check("sailing_around", Err(anyhow!("over the edge").context("sailing"))).expect("as it is said");
        let other = check("sailing_around", Err(anyhow!("no wind"))).expect_err("for another reason");
        assert!(format!("{other:#}").ends_with("another reason: no wind"), "{other:#}");
        check("sailing_around", Ok(())).expect_err("it holds");
        check("sailing", Ok(())).expect("it is possible");
        check("sailing", Err(anyhow!("over the edge"))).expect_err("it is possible");
    }
}
