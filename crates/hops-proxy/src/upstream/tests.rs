use std::time::Duration;

use super::*;

fn backend(port: u16) -> Backend {
    Backend { address: ([127, 0, 0, 1], port).into(), release: "1".into() }
}

fn upstream(balance: Balance, ports: &[u16]) -> Arc<Upstream> {
    let upstream = Upstream::with("shop", balance, DrainTimes::default());
    let _ = upstream.set(ports.iter().map(|port| backend(*port)).collect());
    upstream
}

fn port(guard: &InFlight) -> u16 {
    guard.member().backend.address.port()
}

#[test]
fn no_backends_choose_none() {
    assert!(upstream(Balance::default(), &[]).choose(&[], 0).is_none());
}

#[test]
fn the_same_backend_given_twice_is_one() {
    assert_eq!(upstream(Balance::default(), &[1, 1, 2]).backends(), [backend(1), backend(2)]);
}

#[test]
fn round_robin_takes_one_after_the_other() {
    let upstream = upstream(Balance::RoundRobin, &[1, 2, 3]);
    let ports: Vec<_> = (0..6).map(|_| port(&upstream.choose(&[], 0).unwrap())).collect();
    assert_eq!(ports, [1, 2, 3, 1, 2, 3]);
}

#[test]
fn of_two_the_less_busy_is_taken() {
    let upstream = upstream(Balance::LeastInFlight, &[1, 2]);
    let first = upstream.choose(&[], 0).unwrap();
    for _ in 0..20 {
        assert_ne!(port(&upstream.choose(&[], 0).unwrap()), port(&first));
    }
}

#[test]
fn one_that_refused_is_passed_over_while_there_is_another() {
    let upstream = upstream(Balance::RoundRobin, &[1, 2]);
    let first = upstream.choose(&[], 1_000).unwrap();
    first.member().shun(1_000, Duration::from_secs(1));
    for _ in 0..4 {
        assert_eq!(port(&upstream.choose(&[], 1_500).unwrap()), 2);
    }
    let other = upstream.choose(&[], 1_500).unwrap().member().id;
    assert_eq!(port(&upstream.choose(&[other], 1_500).unwrap()), 1, "better than nobody");
    let ports: Vec<_> = (0..2).map(|_| port(&upstream.choose(&[], 2_001).unwrap())).collect();
    assert!(ports.contains(&1), "tried again after the pause");
}

#[test]
fn a_request_is_not_sent_twice_to_one_that_refused_it() {
    let upstream = upstream(Balance::default(), &[1]);
    let id = upstream.choose(&[], 0).unwrap().member().id;
    assert!(upstream.choose(&[id], 0).is_none());
}

#[tokio::test]
async fn who_stays_is_not_drained_and_who_left_is_waited_for() {
    let upstream = upstream(Balance::RoundRobin, &[1, 2]);
    let one = upstream.choose(&[], 0).unwrap();
    let two = upstream.choose(&[], 0).unwrap();
    let draining = upstream.set(vec![backend(2), backend(3)]);
    assert_eq!(draining.0.len(), 1);
    let mut finished = std::pin::pin!(draining.finished());
    assert!(futures::poll!(&mut finished).is_pending());
    drop(two);
    assert!(futures::poll!(&mut finished).is_pending());
    drop(one);
    assert_eq!(finished.await.unfinished, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_its_time_is_over() {
    let upstream = upstream(Balance::RoundRobin, &[1]);
    let _endless = upstream.choose(&[], 0).unwrap();
    assert_eq!(upstream.set(vec![]).finished().await.unfinished, 1);
}

#[tokio::test]
async fn who_comes_back_is_somebody_new() {
    let upstream = upstream(Balance::RoundRobin, &[1]);
    let first = upstream.choose(&[], 0).unwrap();
    let draining = upstream.set(vec![]);
    let _ = upstream.set(vec![backend(1)]);
    let second = upstream.choose(&[], 0).unwrap();
    assert_ne!(first.member().id, second.member().id);
    drop(first);
    assert_eq!(draining.finished().await.unfinished, 0, "the second is not waited for");
}
