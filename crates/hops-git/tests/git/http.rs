//! As much of an HTTP server as Git's client needs, and one that can cut a connection.

use std::{net::SocketAddr, sync::Arc};

use hops_git::{ADVERTISEMENT_TYPE, GitError, RESULT_TYPE, Repository};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) pushes: mpsc::UnboundedReceiver<(usize, Result<(), GitError>)>,
}

pub(crate) struct Rules {
    pub(crate) max_bytes: u64,
    /// Bytes of a body after which the connection is as if cut.
    pub(crate) cut: usize,
}

pub(crate) const TOKEN: &str = "s3cret";

impl Server {
    pub(crate) async fn start(repository: Repository) -> Self {
        Self::with(repository, Rules { max_bytes: 0, cut: usize::MAX }).await
    }

    pub(crate) async fn with(repository: Repository, rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, pushes) = mpsc::unbounded_channel();
        let rules = Arc::new(rules);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (repository, told, rules) = (repository.clone(), told.clone(), Arc::clone(&rules));
                tokio::spawn(async move { answer(stream, &repository, &rules, &told).await });
            }
        });
        Self { address, pushes }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/git/shop", self.address)
    }
}

async fn answer(
    mut stream: TcpStream,
    repository: &Repository,
    rules: &Rules,
    told: &mpsc::UnboundedSender<(usize, Result<(), GitError>)>,
) {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        head.iter().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
    };
    if header("authorization").is_none_or(|(_, value)| value != format!("Bearer {TOKEN}")) {
        let refused = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = write.write_all(refused.as_bytes()).await;
        return;
    }
    let (body, content_type) = if head[0].starts_with("GET") {
        (repository.advertise().await.unwrap(), ADVERTISEMENT_TYPE)
    } else {
        let mut body = Vec::new();
        if header("transfer-encoding").is_some() {
            loop {
                let mut size = String::new();
                read.read_line(&mut size).await.unwrap();
                let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
                let start = body.len();
                body.resize(start + size, 0);
                read.read_exact(&mut body[start..]).await.unwrap();
                read.read_exact(&mut [0; 2]).await.unwrap();
                if size == 0 {
                    break;
                }
            }
        } else {
            body.resize(header("content-length").unwrap().1.parse().unwrap(), 0);
            read.read_exact(&mut body).await.unwrap();
        }
        let mut result = Vec::new();
        let end = body.len().min(rules.cut);
        let received = repository.receive(&body[..end], &mut result, rules.max_bytes).await;
        let _ = told.send((body.len(), received));
        if end < body.len() {
            return;
        }
        (result, RESULT_TYPE)
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = write.write_all(head.as_bytes()).await;
    let _ = write.write_all(&body).await;
    let _ = write.shutdown().await;
}
