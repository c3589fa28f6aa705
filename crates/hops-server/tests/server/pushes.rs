use hops_git::{ADVERTISEMENT_TYPE, GitError, REQUEST_TYPE};
use hops_server::Settings;
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Platform, Repository, shop, soon};

/// Bytes that do not compress, and are the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_push_comes_through_and_is_deployed() {
    let platform = Platform::start().await;
    // More than Git's client sends in one piece, which is 16 MiB.
    let repository = Repository::with_file("noise", &noise(17 * 1024 * 1024)).await;
    let client = platform.client();
    repository.push(&client, &shop().app, &platform.token()).await.unwrap();
    client.deploy(&shop().app, None, &repository.commit).await.unwrap();
    // A second time there is nothing to send.
    repository.push(&client, &shop().app, &platform.token()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_over_the_limit_is_refused_in_gits_words() {
    let platform = Platform::with(Settings { max_push_bytes: 100_000, ..Settings::default() }).await;
    let client = platform.client();
    let repository = Repository::with_file("noise", &noise(3_000_000)).await;
    let error = repository.push(&client, &shop().app, &platform.token()).await.unwrap_err();
    assert!(matches!(error, GitError::Rejected { .. }), "{error:?}");
    assert!(error.to_string().contains("exceeds maximum allowed size"), "{error}");
    platform.push(&shop().app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_breaks_off_leaves_nothing_and_holds_nothing_up() {
    let mut platform = Platform::start().await;
    let mut socket = TcpStream::connect(platform.address).await.unwrap();
    let head = format!(
        "POST /git/shop/git-receive-pack HTTP/1.1\r\nhost: hops\r\nauthorization: Bearer {}\r\n\
         content-type: {REQUEST_TYPE}\r\ncontent-length: 1000000\r\n\r\n",
        platform.token()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(b"00a0").await.unwrap();
    drop(socket);
    platform.push(&shop().app).await;
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_push_is_refused() {
    let platform = Platform::start().await;
    let http = reqwest::Client::new();
    let refs = |query: &str| {
        http.get(platform.url(&format!("/git/shop/info/refs{query}"))).bearer_auth(platform.token())
    };
    let answer = refs("?service=git-receive-pack").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], ADVERTISEMENT_TYPE);
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    for query in ["", "?service=git-upload-pack"] {
        assert_eq!(refs(query).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    let post = || http.post(platform.url("/git/shop/git-receive-pack")).bearer_auth(platform.token());
    let unsupported = [
        post().body("0000"),
        post().header("content-type", REQUEST_TYPE).header("content-encoding", "gzip").body("0000"),
    ];
    for request in unsupported {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let bad_name = http.get(platform.url("/git/Shop/info/refs?service=git-receive-pack"));
    let answer = bad_name.bearer_auth(platform.token()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(!platform.directory.path().join("repositories/Shop.git").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_gits_protocol_is_answered_and_ends() {
    let platform = Platform::start().await;
    let mut socket = TcpStream::connect(platform.address).await.unwrap();
    let request = format!(
        "POST /git/shop/git-receive-pack HTTP/1.1\r\nhost: hops\r\nauthorization: Bearer {}\r\n\
         content-type: {REQUEST_TYPE}\r\ncontent-length: 7\r\nconnection: close\r\n\r\nnonsense",
        platform.token()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}
