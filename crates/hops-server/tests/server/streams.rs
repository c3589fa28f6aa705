use std::{pin::pin, time::Duration};

use futures::StreamExt;
use hops_api::ClientError;
use hops_engine::{LogLine, LogQuery};
use hops_model::{CauseCode, Event};
use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Platform, next, shop, soon};

fn line(second: i64, text: &str) -> LogLine {
    LogLine {
        appling: "shop".parse().unwrap(),
        instance: "shop-1".to_owned(),
        at: Some(Timestamp::from_second(second).unwrap()),
        text: text.to_owned(),
    }
}

fn query() -> LogQuery {
    LogQuery { target: shop(), appling: None, follow: true, previous: false, tail: Some(5), since: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_and_its_listener_outlive_a_restart_of_the_server() {
    let mut platform = Platform::start().await;
    let client = platform.client();
    let deploy = platform.deploy(&shop()).await;
    let mut events = pin!(client.events(deploy.id, 0));
    let mut seen = Vec::new();
    loop {
        let (sequence, event) = next(&mut events).await;
        seen.push(sequence);
        if matches!(event, Event::Rollout { .. }) {
            break;
        }
    }

    platform.stop().await;
    platform.start_again().await;
    let (sequence, event) = next(&mut events).await;
    seen.push(sequence);
    assert!(matches!(event, Event::Started { resumed: true, .. }), "{event:?}");
    platform.engine.may_end.add_permits(1);
    let rest: Vec<_> = soon(events.map(Result::unwrap).collect()).await;
    seen.extend(rest.iter().map(|(sequence, _)| *sequence));
    assert!(matches!(&rest.last().unwrap().1, Event::Outcome(outcome) if outcome.is_success()), "{rest:?}");
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>(), "none is missing, none comes twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sent_from_where_the_listener_wants() {
    let platform = Platform::start().await;
    let deploy = platform.deployed(&shop()).await;
    let all: Vec<_> = soon(platform.client().events(deploy.id, 0).map(Result::unwrap).collect()).await;
    let last = all.len() as u64;
    let url = platform.url(&format!("/v1/deploys/{}/events", deploy.id));
    let http = reqwest::Client::new();
    let get = |url: String| http.get(url).bearer_auth(platform.token());

    let answer = soon(get(format!("{url}?after={}", last - 1)).send()).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    let text = soon(answer.text()).await.unwrap();
    assert!(text.contains("data: {\"event\":\"outcome\","), "{text}");
    assert!(
        text.contains(&format!("id: {last}\n")) && !text.contains(&format!("id: {}\n", last - 1)),
        "{text}"
    );

    let text = soon(soon(get(format!("{url}?after={last}")).send()).await.unwrap().text()).await.unwrap();
    assert_eq!(text, "", "there is nothing to wait for");

    let request = get(format!("{url}?after={}", last - 1)).header("last-event-id", last - 2);
    let text = soon(soon(request.send()).await.unwrap().text()).await.unwrap();
    assert!(text.contains(&format!("id: {}\n", last - 1)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_come_as_they_are_printed_and_the_listener_outlives_a_restart() {
    let mut platform = Platform::start().await;
    platform.deployed(&shop()).await;
    *platform.engine.kept.lock().unwrap() = vec![line(100, "one"), line(101, "two")];
    let client = platform.client();
    let mut lines = pin!(client.logs(query()).await.unwrap());
    for text in ["one", "two"] {
        assert_eq!(next(&mut lines).await.text, text);
    }
    platform.engine.lines.send(line(102, "three")).unwrap();
    assert_eq!(next(&mut lines).await.text, "three");

    platform.stop().await;
    *platform.engine.kept.lock().unwrap() =
        vec![line(101, "two"), line(102, "three"), line(103, "meanwhile")];
    platform.start_again().await;
    assert_eq!(next(&mut lines).await.text, "meanwhile");
    platform.engine.lines.send(line(104, "\"ö\"\r\u{1b}")).unwrap();
    assert_eq!(next(&mut lines).await.text, "\"ö\"\r\u{1b}");

    let queries = platform.engine.queries.lock().unwrap();
    assert_eq!(queries[0], query());
    let since = Some(Timestamp::from_second(42).unwrap());
    assert_eq!(queries[1], LogQuery { tail: None, since, ..query() });
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_without_follow_end_and_a_failure_in_between_is_said() {
    let platform = Platform::start().await;
    platform.deployed(&shop()).await;
    *platform.engine.kept.lock().unwrap() = vec![line(100, "one")];
    let client = platform.client();
    let all = LogQuery { follow: false, ..query() };
    let lines: Vec<_> = soon(client.logs(all.clone()).await.unwrap().map(Result::unwrap).collect()).await;
    assert_eq!(lines, [line(100, "one")]);

    let failing = LogQuery { previous: true, ..all };
    let lines: Vec<_> = soon(client.logs(failing).await.unwrap().collect()).await;
    let [Ok(_), Err(ClientError::Problem(problem))] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(problem.cause.as_ref().unwrap().code, CauseCode::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_stops_at_once_though_streams_are_open() {
    let mut platform = Platform::start().await;
    let deploy = platform.deploy(&shop()).await;
    let url = platform.url(&format!("/v1/deploys/{}/events", deploy.id));
    let events = reqwest::Client::new().get(url).bearer_auth(platform.token()).send();
    let mut events = soon(events).await.unwrap();
    assert!(soon(events.chunk()).await.unwrap().is_some());
    platform.stop().await;
    // A server that had lost its patience would leave the stream open.
    let rest = async { while events.chunk().await.expect("the stream ends properly").is_some() {} };
    soon(rest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_stops_though_a_connection_is_kept_open_for_a_next_request() {
    let mut platform = Platform::start().await;
    let mut silent = TcpStream::connect(platform.address).await.unwrap();
    let mut kept = TcpStream::connect(platform.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: hops\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        assert!(soon(kept.read_buf(&mut answer)).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    platform.stop().await;
    // A server that had lost its patience would leave them open, for twice as long as this waits.
    for connection in [&mut silent, &mut kept] {
        let end = timeout(Duration::from_secs(10), connection.read(&mut [0])).await;
        assert_eq!(end.expect("the server closed it").unwrap(), 0);
    }
}
