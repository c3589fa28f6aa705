//! Asking a pod by way of a port forward, which works with every image and from outside the cluster.

use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;

use super::http;

/// What a pod answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// HTTP, with the beginning of the body.
    Status { status: u16, text: String },
    /// Something else than HTTP.
    NotHttp(String),
    /// Nothing in time, on an open connection.
    Silent,
    /// Nothing listens.
    Refused,
    /// The question could not be put.
    Unknown,
}

/// How long an answer may take: that of the readiness probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much of an answer is shown.
const SHOWN: usize = 300;

/// Ports that images commonly listen on, beside those that the log names.
const COMMON: [u16; 16] =
    [80, 1234, 3000, 3001, 3030, 4000, 4321, 5000, 5173, 8000, 8008, 8080, 8081, 8888, 9000, 9090];

/// Asks for a path as the readiness probe does.
pub(super) async fn ask(pods: &Api<Pod>, pod: &str, port: u16, path: &str) -> Answer {
    // A forward that cannot be set up in this time says nothing about the app.
    match tokio::time::timeout(PATIENCE * 2, ask_now(pods, pod, port, path)).await {
        Ok(answer) => answer,
        Err(_) => Answer::Unknown,
    }
}

/// The other ports on which something listens, of those that are likely.
pub(super) async fn find(pods: &Api<Pod>, pod: &str, port: u16, log: &str) -> Vec<u16> {
    let mut candidates = named(log);
    candidates.extend(COMMON.iter().filter(|port| !candidates.contains(port)).copied().collect::<Vec<_>>());
    candidates.retain(|candidate| *candidate != port);
    stream::iter(candidates)
        .map(|candidate| async move {
            let answer = ask(pods, pod, candidate, "/").await;
            (!matches!(answer, Answer::Refused | Answer::Unknown)).then_some(candidate)
        })
        .buffered(8)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn ask_now(pods: &Api<Pod>, pod: &str, port: u16, path: &str) -> Answer {
    let Ok(mut forward) = pods.portforward(pod, &[port]).await else { return Answer::Unknown };
    let (Some(mut stream), Some(error)) = (forward.take_stream(port), forward.take_error(port)) else {
        return Answer::Unknown;
    };
    let host = format!("localhost:{port}");
    let mut answer = Vec::new();
    let reading = http::get(&mut stream, &host, path, &mut answer);
    tokio::select! {
        biased;
        Some(_) = error => return Answer::Refused,
        done = tokio::time::timeout(PATIENCE, reading) => {
            if done.is_err() && answer.is_empty() {
                return Answer::Silent;
            }
        }
    }
    forward.abort();
    parse(&answer)
}

fn parse(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer);
    match http::status(&text) {
        Some(status) => {
            let line = text.lines().next().unwrap_or_default();
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
            let text = if body.is_empty() { line.to_owned() } else { format!("{line}\n{}", beginning(body)) };
            Answer::Status { status, text }
        }
        // A closed connection without a word: containerd reports a refused one in this way too.
        None if answer.is_empty() => Answer::Refused,
        None => Answer::NotHttp(beginning(&text)),
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Numbers in the log that are likely ports: those that follow a colon or the word "port".
fn named(log: &str) -> Vec<u16> {
    let mut ports = Vec::new();
    let lower = log.to_ascii_lowercase();
    for (index, _) in lower.match_indices(|c: char| c.is_ascii_digit()) {
        let before = &lower[..index];
        if before.ends_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let digits: String = lower[index..].chars().take_while(char::is_ascii_digit).collect();
        let introduced =
            before.ends_with(':') || before.trim_end_matches([' ', '=', ':', '"']).ends_with("port");
        if introduced
            && let Ok(port) = digits.parse::<u16>()
            && port >= 80
            && !ports.contains(&port)
        {
            ports.push(port);
        }
    }
    ports.truncate(8);
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_what_servers_print() {
        assert_eq!(named("Listening on http://0.0.0.0:8123/"), [8123]);
        assert_eq!(named("Server started on port 4567 in 12 ms"), [4567]);
        assert_eq!(named("PORT=9292 pid 4411"), [9292]);
        assert_eq!(named("12:30:59 starting 1234 workers"), Vec::<u16>::new());
    }

    #[test]
    fn answers_are_read_as_the_probe_reads_them() {
        assert_eq!(
            parse(b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\nno such page\n"),
            Answer::Status { status: 404, text: "HTTP/1.1 404 Not Found\nno such page".into() }
        );
        assert_eq!(parse(b"-ERR unknown command"), Answer::NotHttp("-ERR unknown command".into()));
    }
}
