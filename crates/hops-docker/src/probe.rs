//! Asking a container over HTTP, as Kubernetes' probes do (design.md 1, promise 8): one GET, of whose answer the status
//! counts.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// A late answer is a failure.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// How much of an answer is read. Closing a connection that still has something in it would look like a fault to the
/// app, so an ordinary answer is read to its end.
const READ: usize = 10 * 1024;

/// How much of an answer is shown.
const SHOWN: usize = 300;

/// What a container answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// HTTP, with its first line and the beginning of its body.
    Status {
        /// The status.
        status: u16,
        /// The text.
        text: String,
    },
    /// Something else than HTTP.
    NotHttp(String),
    /// Nothing in time.
    Late,
    /// Nothing listens.
    Refused,
    /// The connection was closed without a word.
    Closed,
    /// The container cannot be reached; the system's words.
    Unreachable(String),
}

impl Answer {
    /// Whether it counts as success.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self, Self::Status { status: 200..=399, .. })
    }

    /// Whether a path is unknown, forbidden or asked for wrongly. Who answers so has started, and what it does not know
    /// now, it hardly learns.
    pub(crate) fn is_client_error(&self) -> bool {
        // Too slow, too early, too many: these pass.
        matches!(self, Self::Status { status, .. } if (400..500).contains(status) && ![408, 425, 429].contains(status))
    }
}

/// Asks for a path.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> Answer {
    let deadline = Instant::now() + TIMEOUT;
    let mut stream = match timeout_at(deadline, TcpStream::connect(address)).await {
        Err(_) => return Answer::Late,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => return Answer::Refused,
        Ok(Err(error)) => return Answer::Unreachable(error.to_string()),
        Ok(Ok(stream)) => stream,
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: hops-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    let mut answer = Vec::new();
    let asked = timeout_at(deadline, async {
        stream.write_all(request.as_bytes()).await?;
        let mut part = [0; 2048];
        while answer.len() < READ && !is_whole(&answer) {
            match stream.read(&mut part).await? {
                0 => break,
                read => answer.extend_from_slice(&part[..read]),
            }
        }
        Ok::<_, std::io::Error>(())
    })
    .await;
    match (asked, read(&answer)) {
        // The status decides, however slowly the rest comes.
        (_, Some(answer)) => answer,
        (Err(_), None) => Answer::Late,
        (Ok(_), None) if answer.is_empty() => Answer::Closed,
        (Ok(_), None) => Answer::NotHttp(beginning(&String::from_utf8_lossy(&answer))),
    }
}

/// Whether an answer is there to its end, so that nobody waits for a server that keeps the connection open all the
/// same.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
        })
    };
    match (
        header("content-length").and_then(|length| length.parse::<usize>().ok()),
        header("transfer-encoding"),
    ) {
        (Some(length), _) => body.len() >= length,
        (None, Some(encoding)) if encoding.contains("chunked") => body.ends_with("0\r\n\r\n"),
        _ => matches!(status(&text), Some(204 | 304)),
    }
}

fn read(answer: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(answer);
    let status = status(&text)?;
    let line = text.lines().next().unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    let text = if body.is_empty() { line.to_owned() } else { format!("{line}\n{}", beginning(body)) };
    Some(Answer::Status { status, text })
}

/// The status in the first line; none where it is not HTTP.
fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.get(..3)?.parse().ok()
}

fn beginning(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What a server that says this, and then what, is heard to say.
    async fn check(says: &'static str, then_closes: bool, expected: Answer) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:"));
            stream.write_all(says.as_bytes()).await.unwrap();
            if !then_closes {
                // Until the other side has gone.
                let _ = stream.read(&mut request).await;
            }
        });
        assert_eq!(ask(address, "/health").await, expected);
        server.abort();
    }

    #[tokio::test]
    async fn answers_are_read_as_kubernetes_reads_them() {
        let status = |status, text: &str| Answer::Status { status, text: text.to_owned() };
        check(
            "HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\nno such page\n",
            true,
            status(404, "HTTP/1.1 404 Not Found\nno such page"),
        )
        .await;
        check("HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n", true, status(302, "HTTP/1.0 302 Found")).await;
        check("-ERR unknown command", true, Answer::NotHttp("-ERR unknown command".to_owned())).await;
        check("", true, Answer::Closed).await;
    }

    #[tokio::test]
    async fn a_server_that_keeps_the_connection_is_not_waited_for() {
        let begun = Instant::now();
        let ok = |text: &str| Answer::Status { status: 200, text: text.to_owned() };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, ok("HTTP/1.1 200 OK\nok")).await;
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            false,
            ok("HTTP/1.1 200 OK\n0"),
        )
        .await;
        assert!(begun.elapsed() < TIMEOUT);
    }

    #[tokio::test]
    async fn silence_is_late_and_nobody_is_refused() {
        check("", false, Answer::Late).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(ask(address, "/health").await, Answer::Refused);
    }

    #[test]
    fn only_what_will_not_pass_is_a_client_error() {
        let check = |status, expected| {
            assert_eq!(
                Answer::Status { status, text: String::new() }.is_client_error(),
                expected,
                "{status}"
            );
        };
        check(404, true);
        check(429, false);
        check(503, false);
    }
}
