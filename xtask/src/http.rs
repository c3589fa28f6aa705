//! The little HTTP that health checks and the local registry need, so that no client library has to be compiled.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

const TIMEOUT: Duration = Duration::from_secs(2);

/// An answer's status and its headers, names in lower case.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The body of a page on a host that is served at an address; anything but a success is an error.
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> Result<String> {
    let mut stream = connect(address)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = parse(head).context("not an HTTP answer")?.status;
    if status != 200 {
        bail!("{host}{path} answered {status}: {}", body.trim());
    }
    Ok(body.to_owned())
}

/// One request without a body over plain HTTP; the answer's body is not read.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, accept: &str) -> Result<Answer> {
    let mut stream = connect(address)?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n")?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < 64 * 1024 {
        match stream.read(&mut chunk)? {
            0 => break,
            read => head.extend_from_slice(&chunk[..read]),
        }
    }
    parse(&String::from_utf8_lossy(&head)).context("not an HTTP answer")
}

/// One request without a body to a socket in the file system, and the answer's body; anything but a success is an error.
/// `limit` is for each part of the answer.
pub(crate) fn request_at(socket: &Path, method: &str, path: &str, limit: Duration) -> Result<String> {
    let mut stream =
        UnixStream::connect(socket).with_context(|| format!("cannot connect to {}", socket.display()))?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // HTTP/1.0, so that the answer ends with the connection and is never cut into chunks.
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = parse(head).context("not an HTTP answer")?.status;
    if !(200..300).contains(&status) {
        bail!("{method} {path} was answered with {status}: {}", body.trim());
    }
    Ok(body.to_owned())
}

/// Whether a GET of `path` on a socket in the file system is answered with a success.
pub(crate) fn is_healthy_at(socket: &Path, path: &str) -> bool {
    request_at(socket, "GET", path, TIMEOUT).is_ok()
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Whether a GET of `path` is answered with a success.
pub(crate) fn is_healthy(address: SocketAddr, path: &str) -> bool {
    request(address, "GET", path, "*/*").is_ok_and(|answer| (200..300).contains(&answer.status))
}

fn parse(head: &str) -> Option<Answer> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Some(Answer { status, headers })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn status_and_headers_are_read() {
        let answer = parse("HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:ab\r\n\r\nbody: x").unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("docker-content-digest"), Some("sha256:ab"));
        assert_eq!(answer.header("body"), None);
    }

    #[test]
    fn other_protocols_are_no_answer() {
        assert!(parse("SSH-2.0-x\r\n\r\n").is_none());
        assert!(parse("").is_none());
    }
}
