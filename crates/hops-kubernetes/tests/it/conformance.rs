//! The behaviours that every engine has to show (`hops_testkit::conformance`), on Kubernetes.

macro_rules! conformance {
    ($($topic:ident: $($behaviour:ident),+;)+) => {
        $(mod $topic {
            $(#[tokio::test]
            async fn $behaviour() -> anyhow::Result<()> {
                let cluster = crate::world::Cluster::new().await?;
                hops_testkit::conformance::$topic::$behaviour(&cluster).await
            })+
        })+
    };
}

conformance! {
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
        a_sidecar_starts_first_and_shares_the_network;
    signals:
        an_app_is_told_to_stop_and_finishes,
        an_app_without_a_handler_stops_at_once,
        an_app_that_goes_on_is_killed_after_30_seconds;
    rollout:
        an_unchanged_appling_is_left_alone,
        live_means_that_the_new_version_answers,
        a_former_release_comes_back,
        what_is_no_longer_wanted_goes,
        a_host_moves_to_another_appling_without_a_loss,
        the_port_changes_without_a_loss;
}
