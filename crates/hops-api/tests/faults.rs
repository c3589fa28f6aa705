//! What the client makes of servers and connections that misbehave, on real sockets. The well-behaved server is
//! tested in `hops-server`.

#![expect(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

use std::time::Duration;

use futures::StreamExt;
use hops_api::{Client, ClientError, Token};
use hops_model::{AppName, Cause, CauseCode, CommitId, DeployId, Environment, Event, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

const SECRET: &str = "the-very-secret-token";

fn client(address: &str) -> Client {
    Client::new(address, Token::parse(SECRET).unwrap()).unwrap().with_patience(Duration::from_secs(5))
}

/// Answers one connection after the other with these texts, each cut off where it ends. Gives the requests it got.
async fn scripted(answers: Vec<String>) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                assert!(socket.read_buf(&mut request).await.unwrap() > 0, "the client closed early");
            }
            requests.push(String::from_utf8(request).unwrap().to_lowercase());
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
        }
        requests
    });
    (client(&address), requests)
}

/// An answer after which the connection ends, and is known to: a client that kept it could lose its next request on it.
fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// An event stream that breaks off after what is given.
fn broken_stream(events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n{events}")
}

fn warning(id: u64) -> String {
    format!("id: {id}\ndata: {{\"event\":\"warning\",\"message\":\"w{id}\"}}\n\n")
}

const OUTCOME: &str = "data: {\"event\":\"outcome\",\"release\":1,\"applings\":[]}\n\n";

#[tokio::test]
async fn a_stream_that_breaks_off_is_picked_up_where_it_was() {
    let (client, requests) = scripted(vec![
        broken_stream(&format!("{}{}id: 3\ndata: {{\"ev", warning(1), warning(2))),
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\noops".to_owned(),
        String::new(),
        // This one sends again what came before.
        broken_stream(&format!("{}{}id: 4\n{OUTCOME}", warning(2), warning(3))),
    ])
    .await;
    let events: Vec<_> = client.events(DeployId(7), 0).map(Result::unwrap).collect().await;
    let sequences: Vec<u64> = events.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
    assert!(matches!(events[3].1, Event::Outcome(_)));

    let asked_after = |request: &String| {
        let header = request.lines().find_map(|line| line.strip_prefix("last-event-id: "));
        header.unwrap().parse::<u64>().unwrap()
    };
    let requests = requests.await.unwrap();
    assert!(requests[0].starts_with("get /v1/deploys/7/events http/1.1"), "{}", requests[0]);
    assert_eq!(requests.iter().map(asked_after).collect::<Vec<_>>(), [0, 2, 2, 2]);
}

#[tokio::test]
async fn a_stream_whose_server_stays_away_ends_when_patience_does() {
    let address = "http://127.0.0.1:1";
    let client = client(address).with_patience(Duration::from_millis(300));
    let events: Vec<_> = client.events(DeployId(7), 0).collect().await;
    let [Err(error)] = &events[..] else { panic!("{events:?}") };
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot reach the HOPS server at {address}"));
    assert!(!Cause::from(error).code.is_users());
}

#[tokio::test]
async fn a_problem_ends_a_stream_at_once() {
    let problem = r#"{"title":"Not Found","status":404,"detail":"there is no deploy 7","cause":
        {"code":"not-found","message":"there is no deploy 7","proof":"","help":"look"}}"#;
    let inside = format!("{}event: problem\ndata: {}\n\n", warning(1), problem.replace('\n', " "));
    for (answer, before) in
        [(answer("404 Not Found", "application/problem+json", problem), 0), (broken_stream(&inside), 1)]
    {
        let (client, _requests) = scripted(vec![answer]).await;
        let events: Vec<_> = client.events(DeployId(7), 0).collect().await;
        assert_eq!(events.len(), before + 1);
        let Some(Err(error @ ClientError::Problem(problem))) = events.last() else { panic!("{events:?}") };
        assert_eq!((problem.status, problem.kind.as_str()), (404, "about:blank"));
        assert_eq!(Cause::from(error).code, CauseCode::NotFound);
    }
}

#[tokio::test]
async fn what_is_no_hops_server_is_said_so() {
    let html = "<html>It works!</html>";
    let (client, _requests) = scripted(vec![
        answer("404 Not Found", "text/html", html),
        answer("200 OK", "text/html", html),
        answer("401 Unauthorized", "text/html", html),
        "HTTP/1.1 308 Permanent Redirect\r\nlocation: https://hops.example/\r\ncontent-length: 0\r\n\r\n"
            .to_owned(),
    ])
    .await;
    let error = client.apps().await.unwrap_err();
    assert!(matches!(error, ClientError::Foreign { status: 404, .. }), "{error:?}");
    assert!(Cause::from(&error).proof.contains("It works!"));
    let error = client.apps().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreadable { .. }), "{error:?}");
    let error = client.apps().await.unwrap_err();
    assert!(matches!(error, ClientError::Unauthorized { .. }), "{error:?}");
    assert!(Cause::from(&error).code.is_users());
    let error = client.apps().await.unwrap_err();
    assert!(matches!(error, ClientError::Foreign { status: 308, .. }), "{error:?}");
    assert_eq!(Cause::from(&error).proof, "it points to https://hops.example/");
}

#[tokio::test]
async fn requests_are_what_the_api_says_and_show_the_token_in_their_header_alone() {
    let (client, requests) = scripted(vec![answer("204 No Content", "text/plain", "")]).await;
    let target = Target::new(AppName::parse("shop").unwrap(), Environment::Prod);
    client.remove(&target).await.unwrap();
    let requests = requests.await.unwrap();
    assert!(requests[0].starts_with("delete /v1/apps/shop/prod http/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains(&format!("authorization: bearer {SECRET}")));
    assert!(requests[0].contains(&format!("user-agent: hops/{}", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn the_token_is_in_no_debug_output_and_no_error() {
    let (client, _requests) = scripted(vec![String::new()]).await;
    let app = AppName::parse("shop").unwrap();
    let error = client.deploy(&app, None, &CommitId::parse(&"a".repeat(40)).unwrap()).await.unwrap_err();
    for text in [format!("{client:?}"), format!("{error:?}"), format!("{:?}", Cause::from(&error))] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused() {
    let token = || Token::parse(SECRET).unwrap();
    for address in ["", "localhost:8080", "ftp://a", "http://user:pass@a", "/etc"] {
        let error = Client::new(address, token()).unwrap_err();
        assert!(matches!(error, ClientError::Address { .. }), "{address}: {error:?}");
    }
    assert!(Token::parse("a\nb").is_err());
    let client = Client::new("https://hops.example/inner/", token()).unwrap();
    let app = AppName::parse("shop").unwrap();
    assert_eq!(client.repository_url(&app).as_str(), "https://hops.example/inner/git/shop");
}
