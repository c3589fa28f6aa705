use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hops_git::{GitError, PushTarget, Repository, Token, WorkTree, keeping_reference};
use hops_model::CommitId;
use tokio::time::{sleep, timeout};

use crate::{
    http::{Rules, Server, TOKEN},
    sandbox::{Sandbox, git},
};

async fn push(
    tree: &WorkTree,
    commit: &CommitId,
    server: &Server,
    token: &str,
) -> Result<Vec<String>, GitError> {
    let token = Token::new(token).unwrap();
    let reference = keeping_reference(commit);
    let url = server.url();
    let target = PushTarget { url: &url, reference: &reference, token: Some(&token) };
    let mut lines = Vec::new();
    tree.push(commit, &target, |line| lines.push(line.to_owned())).await.map(|()| lines)
}

async fn bare(sandbox: &Sandbox) -> Repository {
    Repository::open_or_init(sandbox.folder.path().join("copy")).await.unwrap()
}

/// Bytes that do not compress, and are the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(length + 4);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The lower half is less random.
        bytes.extend_from_slice(&state.to_be_bytes()[..4]);
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test]
async fn a_push_brings_the_commit_and_later_ones_only_what_is_new() {
    let sandbox = Sandbox::new();
    sandbox.write("large", noise(300_000));
    let first = sandbox.commit("First");
    let copy = bare(&sandbox).await;
    let mut server = Server::start(copy.clone()).await;
    let tree = sandbox.tree().await;
    let lines = push(&tree, &first, &server, TOKEN).await.unwrap();
    assert!(lines.iter().any(|line| line.starts_with("Writing objects: ")), "{lines:?}");
    assert!(server.pushes.recv().await.unwrap().0 > 300_000);
    assert!(copy.contains(&first).await.unwrap());

    sandbox.write("small", "2");
    let second = sandbox.commit("Second");
    push(&tree, &second, &server, TOKEN).await.unwrap();
    assert!(server.pushes.recv().await.unwrap().0 < 2_000);
    assert_eq!(copy.subject(&second).await.unwrap(), "Second");

    // Pushed again: nothing to do, and no error.
    push(&tree, &second, &server, TOKEN).await.unwrap();
}

#[tokio::test]
async fn a_push_larger_than_gits_buffer_comes_in_pieces() {
    let sandbox = Sandbox::new();
    // Nothing of it would become smaller.
    sandbox.git(&["config", "core.compression", "0"]);
    sandbox.write("large", noise(17 << 20));
    let commit = sandbox.commit("Large");
    let copy = bare(&sandbox).await;
    let server = Server::start(copy.clone()).await;
    push(&sandbox.tree().await, &commit, &server, TOKEN).await.unwrap();
    assert!(copy.contains(&commit).await.unwrap());
}

#[tokio::test]
async fn a_wrong_token_is_said_to_be_wrong_without_asking_anybody() {
    let sandbox = Sandbox::new();
    let commit = sandbox.commit("First");
    let server = Server::start(bare(&sandbox).await).await;
    let error = push(&sandbox.tree().await, &commit, &server, "wr0ng").await.unwrap_err();
    assert!(matches!(error, GitError::Unauthorized), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_is_named_without_the_token() {
    let sandbox = Sandbox::new();
    let commit = sandbox.commit("First");
    let token = Token::new(TOKEN).unwrap();
    let target =
        PushTarget { url: "http://127.0.0.1:1/git/shop", reference: "refs/hops/x", token: Some(&token) };
    let error = sandbox.tree().await.push(&commit, &target, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && error.contains("onnect"), "{error}");
    assert!(!error.contains(TOKEN), "{error}");
}

#[tokio::test]
async fn a_push_that_breaks_off_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("large", noise(200_000));
    let commit = sandbox.commit("First");
    let copy = bare(&sandbox).await;
    let before = files(copy.path());
    let mut server = Server::with(copy.clone(), Rules { max_bytes: 0, cut: 100_000 }).await;
    push(&sandbox.tree().await, &commit, &server, TOKEN).await.unwrap_err();
    let (_, received) = server.pushes.recv().await.unwrap();
    // Git tells the client in its answer that it could not unpack; to it that is a request well served.
    assert!(received.is_ok() || matches!(received, Err(GitError::Failed { .. })), "{received:?}");
    assert!(!copy.contains(&commit).await.unwrap());
    assert_eq!(files(copy.path()), before);
}

#[tokio::test]
async fn a_push_nobody_waits_for_any_more_leaves_nothing() {
    let sandbox = Sandbox::new();
    let copy = bare(&sandbox).await;
    let before = files(copy.path());
    let (mut near, far) = tokio::io::duplex(1 << 10);
    let receiving = copy.clone();
    let task = tokio::spawn(async move { receiving.receive(far, tokio::io::sink(), 0).await });
    let id = "ab".repeat(20);
    let command = format!("{} {id} refs/hops/{id}\0report-status", "0".repeat(40));
    let mut start = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
    // So many objects stay in one file.
    start.extend(b"PACK\0\0\0\x02\0\0\x09\0");
    tokio::io::AsyncWriteExt::write_all(&mut near, &start).await.unwrap();
    let has_pack = || {
        let name = |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
        files(copy.path()).iter().filter_map(name).any(|name| name.starts_with("tmp_pack"))
    };
    until(has_pack).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    // The process ends by itself when its input does; the copy is clean by then.
    until(|| files(copy.path()) == before).await;
}

/// Waits for what another process does.
async fn until(is_so: impl Fn() -> bool) {
    let look = async {
        while !is_so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_mins(1), look).await.expect("it becomes so");
}

/// All there is, with directories.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_push_over_the_limit_is_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    sandbox.write("large", noise(200_000));
    let commit = sandbox.commit("First");
    let copy = bare(&sandbox).await;
    let server = Server::with(copy.clone(), Rules { max_bytes: 100_000, cut: usize::MAX }).await;
    let error = push(&sandbox.tree().await, &commit, &server, TOKEN).await.unwrap_err();
    assert!(error.to_string().contains("exceeds maximum allowed size"), "{error}");
    assert!(!copy.contains(&commit).await.unwrap());
}

#[tokio::test]
async fn references_of_the_servers_own_and_deletions_are_refused() {
    let sandbox = Sandbox::new();
    let commit = sandbox.commit("First");
    let copy = bare(&sandbox).await;
    let server = Server::start(copy.clone()).await;
    let tree = sandbox.tree().await;
    push(&tree, &commit, &server, TOKEN).await.unwrap();
    let url = server.url();
    let token = Token::new(TOKEN).unwrap();
    let target = PushTarget { url: &url, reference: "refs/fetched/main", token: Some(&token) };
    let error = tree.push(&commit, &target, |_| {}).await.unwrap_err();
    assert!(matches!(error, GitError::Rejected { .. }), "{error}");
    let id = commit.as_str();
    let command = format!("{id} {} {}\0report-status\n", "0".repeat(40), keeping_reference(&commit));
    let deletion = format!("{:04x}{command}0000", command.len() + 4);
    let error = copy.receive(deletion.as_bytes(), tokio::io::sink(), 0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the server did not take the commit: `refs/hops/{id}` cannot be deleted here")
    );
    assert!(copy.contains(&commit).await.unwrap());
}

#[tokio::test]
async fn hooks_in_the_copy_never_run() {
    let sandbox = Sandbox::new();
    let commit = sandbox.commit("First");
    let copy = bare(&sandbox).await;
    let hook = copy.path().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = Server::start(copy.clone()).await;
    push(&sandbox.tree().await, &commit, &server, TOKEN).await.unwrap();
}

#[tokio::test]
async fn a_shallow_clone_deploys_and_a_full_one_after_it() {
    let sandbox = Sandbox::new();
    for at in 0..3 {
        sandbox.write("file", at.to_string());
        sandbox.commit(&format!("Commit {at}"));
    }
    let shallow = sandbox.folder.path().join("shallow");
    let url = format!("file://{}", sandbox.root().display());
    git(sandbox.folder.path(), &["clone", "--quiet", "--depth=1", &url, shallow.to_str().unwrap()]);
    let copy = bare(&sandbox).await;
    let server = Server::start(copy.clone()).await;
    let tree = WorkTree::discover(&shallow).await.unwrap();
    assert!(tree.is_shallow().await.unwrap());
    let head = tree.head().await.unwrap().unwrap();
    push(&tree, &head, &server, TOKEN).await.unwrap();
    assert_eq!(copy.tree(&head).await.unwrap().entries().len(), 1);

    // From the full clone: something newer, then something older than where the shallow history ends.
    let full = sandbox.tree().await;
    sandbox.write("file", "new");
    let newer = sandbox.commit("Newer");
    let older = sandbox.id("HEAD~3");
    for commit in [&newer, &older] {
        push(&full, commit, &server, TOKEN).await.unwrap();
        assert_eq!(copy.tree(commit).await.unwrap().entries().len(), 1);
    }
    // What is there already is as good as pushed, though the copy does not show that it has it.
    push(&tree, &head, &server, TOKEN).await.unwrap();
    copy.tidy().await.unwrap();
    git(copy.path(), &["fsck", "--strict"]);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let sandbox = Sandbox::new();
    let copy = bare(&sandbox).await;
    for body in [&b"GET / HTTP/1.1\r\n"[..], b"0001", b"ffff", b"0010short", b"zzzz"] {
        let error = copy.receive(body, tokio::io::sink(), 0).await.unwrap_err();
        assert!(matches!(error, GitError::Rejected { .. } | GitError::Pipe { .. }), "{error}");
    }
    // Git's trial before a large push.
    copy.receive(&b"0000"[..], tokio::io::sink(), 0).await.unwrap();
}
