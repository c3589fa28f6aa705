//! A backend that believes nothing: it reads requests strictly, remembers them, and answers bytes.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

use super::HANG;

/// A request as the backend saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }
}

/// A listening backend. What it has seen outlives it.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// What no proxy should ever have sent.
    wrong: Arc<Mutex<Vec<String>>>,
    arrivals: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Backend {
    /// Answers each request with the bytes that `answer` makes of it.
    pub(crate) async fn new(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::raw(move |mut socket, notes| {
            let answer = Arc::clone(&answer);
            async move {
                let mut inbox = Vec::new();
                loop {
                    match read(&mut socket, &mut inbox).await {
                        Ok(None) => return,
                        // A client that went away in the middle of its request.
                        Err(error) if error.kind() != io::ErrorKind::InvalidData => return,
                        Err(error) => return notes.wrong.lock().unwrap().push(error.to_string()),
                        Ok(Some(seen)) => {
                            let bytes = answer(&seen);
                            notes.seen.lock().unwrap().push(seen);
                            if socket.write_all(&bytes).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        })
        .await
    }

    /// Does with each connection whatever it likes.
    pub(crate) async fn raw<F>(serve: impl Fn(TcpStream, Notes) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let notes = Notes::default();
        let kept = notes.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                connections.spawn(serve(socket, notes.clone()));
            }
        });
        Self { address, seen: kept.seen, wrong: kept.wrong, arrivals: kept.arrivals, task }
    }

    pub(crate) fn as_backend(&self, release: &str) -> hops_proxy::Backend {
        hops_proxy::Backend { address: self.address, release: release.to_owned() }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }

    /// Forgets what it has seen, and returns it.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// Waits for a request that [`Notes::arrived`] was told of.
    pub(crate) async fn arrival(&self) {
        timeout(HANG, self.arrivals.notified()).await.expect("no request arrives");
    }

    /// Closes its port and all connections.
    pub(crate) async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a backend writes what it sees.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    seen: Arc<Mutex<Vec<Seen>>>,
    wrong: Arc<Mutex<Vec<String>>>,
    arrivals: Arc<Notify>,
}

impl Notes {
    /// A request has arrived.
    pub(crate) fn arrived(&self) {
        self.arrivals.notify_one();
    }
}

/// A small answer.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Reads one request. `None` at the end between two.
pub(crate) async fn read(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    let head = loop {
        if let Some(end) = find(inbox, b"\r\n\r\n") {
            let rest = inbox.split_off(end + 4);
            break std::mem::replace(inbox, rest);
        }
        if socket.read_buf(inbox).await? == 0 {
            return if inbox.is_empty() { Ok(None) } else { Err(wrong("end inside of a head", inbox)) };
        }
    };
    let text = String::from_utf8_lossy(&head[..head.len() - 4]).into_owned();
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let words = line.split(' ').collect::<Vec<_>>();
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    if words.len() != 3 || !is_token(words[0]) || !words[1].starts_with(['/', '*']) || words[2] != "HTTP/1.1"
    {
        return Err(wrong("request line", &head));
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or_else(|| wrong("field", &head))?;
        if !is_token(name) || value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(wrong("field", &head));
        }
        fields.push((name.to_owned(), value.to_owned()));
    }
    let all = |name: &str| {
        fields.iter().filter(|(it, _)| it == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    if all("host").len() != 1 || lengths.len() + codings.len() > 1 {
        return Err(wrong("host or framing", &head));
    }
    let body = match (lengths.first(), codings.first()) {
        (Some(length), None) => {
            let length = length.parse().map_err(|_| wrong("content length", &head))?;
            take(socket, inbox, length).await?
        }
        (None, Some(coding)) if coding == "chunked" => chunks(socket, inbox).await?,
        (None, None) => Vec::new(),
        _ => return Err(wrong("transfer coding", &head)),
    };
    Ok(Some(Seen { line, fields, body }))
}

async fn chunks(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(socket, inbox).await?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| wrong("chunk size", size.as_bytes()))?;
        if size == 0 {
            while !line(socket, inbox).await?.is_empty() {}
            return Ok(body);
        }
        body.extend(take(socket, inbox, size).await?);
        if !line(socket, inbox).await?.is_empty() {
            return Err(wrong("chunk end", &body));
        }
    }
}

async fn line(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some(end) = find(inbox, b"\r\n") {
            let line = take(socket, inbox, end + 2).await?;
            // Values may hold bytes that are no text (RFC 9110 5.5).
            return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
        }
        if socket.read_buf(inbox).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn take(socket: &mut TcpStream, inbox: &mut Vec<u8>, count: usize) -> io::Result<Vec<u8>> {
    while inbox.len() < count {
        if socket.read_buf(inbox).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let rest = inbox.split_off(count);
    Ok(std::mem::replace(inbox, rest))
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

fn wrong(what: &str, bytes: &[u8]) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {:?}", String::from_utf8_lossy(bytes)))
}
