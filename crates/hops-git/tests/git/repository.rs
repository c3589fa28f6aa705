use std::{fmt::Write, os::unix::ffi::OsStrExt, time::Duration};

use hops_git::{Blobs, Caveat, EntryKind, GitError, ObjectId, Repository};
use hops_model::{CommitId, RepoPath};
use tokio::io::AsyncReadExt;

use crate::sandbox::{Sandbox, git, git_with};

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

#[tokio::test]
async fn a_new_copy_is_empty_and_opening_it_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Repository::open_or_init(folder.path().join("a/b")).await.unwrap();
    assert_eq!(copy.resolve("main").await.unwrap(), None);
    assert_eq!(Repository::open_or_init(copy.path()).await.unwrap(), copy);
    assert!(!copy.path().join("hooks").exists());
    let beside = std::fs::read_dir(folder.path().join("a")).unwrap().count();
    assert_eq!(beside, 1);
}

#[tokio::test]
async fn a_copy_that_many_open_at_once_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let all = (0..8).map(|_| tokio::spawn(Repository::open_or_init(path.clone()))).collect::<Vec<_>>();
    for opened in all {
        opened.await.unwrap().unwrap();
    }
    git(&path, &["fsck", "--strict"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_path_where_something_else_lies_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other"), "").unwrap();
    let error = Repository::open_or_init(folder.path()).await.unwrap_err();
    assert!(matches!(error, GitError::Temporary(_)), "{error}");
}

#[tokio::test]
async fn users_words_are_resolved_and_never_taken_for_options() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("First");
    let second = sandbox.commit("Second");
    sandbox.git(&["tag", "-a", "-m", "x", "v1", first.as_str()]);
    let copy = sandbox.copy().await;
    sandbox.git(&["push", "--quiet", copy.path().to_str().unwrap(), "v1"]);
    for (text, expected) in [
        ("main", Some(&second)),
        ("refs/heads/main", Some(&second)),
        ("main~1", Some(&first)),
        ("v1", Some(&first)),
        (first.short(), Some(&first)),
        (second.as_str(), Some(&second)),
        ("nothing", None),
        ("", None),
        ("main:", None),
        ("^main", None),
        ("main..v1", None),
        ("--all", None),
        ("--upload-pack=touch /tmp/x", None),
        ("main\nv1", None),
    ] {
        assert_eq!(copy.resolve(text).await.unwrap().as_ref(), expected, "{text:?}");
    }
    assert_eq!(copy.subject(&second).await.unwrap(), "Second");
    assert!(copy.committed_at(&second).await.unwrap() > 1_600_000_000);
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_said_to_be_missing() {
    let copy = Sandbox::new();
    copy.commit("Only");
    let copy = copy.copy().await;
    let other = CommitId::parse(&"ab".repeat(20)).unwrap();
    assert!(!copy.contains(&other).await.unwrap());
    for error in [
        copy.tree(&other).await.unwrap_err(),
        copy.subject(&other).await.unwrap_err(),
        copy.read(&other, &path("x")).await.unwrap_err(),
    ] {
        assert!(matches!(&error, GitError::NoCommit { commit } if *commit == other), "{error}");
    }
}

#[tokio::test]
async fn every_kind_of_file_is_listed_and_read() {
    let sandbox = Sandbox::new();
    sandbox.write("api/main.py", "print()\n");
    sandbox.write("a dir/ö \"x\"", "odd");
    sandbox.write("run.sh", "#!/bin/sh\n");
    sandbox.write("*.txt", "literal");
    sandbox.write("b.txt", "other");
    sandbox.git(&["add", "--all"]);
    sandbox.git(&["update-index", "--chmod=+x", "run.sh"]);
    std::os::unix::fs::symlink("api/main.py", sandbox.root().join("link")).unwrap();
    let commit = {
        sandbox.git(&["add", "link"]);
        sandbox.git(&["commit", "--quiet", "-m", "All"]);
        sandbox.id("HEAD")
    };
    let copy = sandbox.copy().await;
    let tree = copy.tree(&commit).await.unwrap();
    let kinds: Vec<_> =
        tree.entries().iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
    assert_eq!(
        kinds,
        [
            ("*.txt", EntryKind::File, 7),
            ("a dir/ö \"x\"", EntryKind::File, 3),
            ("api/main.py", EntryKind::File, 8),
            ("b.txt", EntryKind::File, 5),
            ("link", EntryKind::Symlink, 11),
            ("run.sh", EntryKind::Executable, 10),
        ]
    );
    assert_eq!(copy.read(&commit, &path("api/main.py")).await.unwrap().unwrap(), b"print()\n");
    assert_eq!(copy.read(&commit, &path("*.txt")).await.unwrap().unwrap(), b"literal");
    for absent in ["api", "link", "nothing", "api/nothing"] {
        assert_eq!(copy.read(&commit, &path(absent)).await.unwrap(), None, "{absent}");
    }
    let link = tree.get(&path("link")).unwrap();
    assert_eq!(Blobs::new(&copy).read(&link.object).await.unwrap(), b"api/main.py");
}

#[tokio::test]
async fn a_file_name_that_is_not_utf8_is_named() {
    let sandbox = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(sandbox.root().join(name), "x").unwrap();
    let commit = sandbox.commit("Latin");
    let error = sandbox.copy().await.tree(&commit).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the commit holds a file whose name is not UTF-8, `caf\u{fffd}`; rename it"
    );
}

#[tokio::test]
async fn contents_small_and_large_are_read_by_many_at_once() {
    let sandbox = Sandbox::new();
    // Large enough not to be held in memory.
    let large: Vec<u8> = (0..1_500_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    sandbox.write("large", &large);
    sandbox.write("empty", "");
    for at in 0..50 {
        sandbox.write(&format!("small/{at}"), format!("content {at}\n"));
    }
    let commit = sandbox.commit("Many");
    let copy = sandbox.copy().await;
    let tree = copy.tree(&commit).await.unwrap();
    let blobs = Blobs::new(&copy);
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (tree, blobs, large, root) = (tree.clone(), blobs.clone(), large.clone(), sandbox.root());
            tokio::spawn(async move {
                for entry in tree.entries() {
                    let mut content = Vec::new();
                    let mut stream = blobs.open(&entry.object, entry.size).await.unwrap();
                    stream.read_to_end(&mut content).await.unwrap();
                    let expected = match entry.path.as_str() {
                        "large" => large.clone(),
                        path => std::fs::read(root.join(path)).unwrap(),
                    };
                    assert!(content == expected, "{}", entry.path);
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    let absent = ObjectId::parse(&"12".repeat(20)).unwrap();
    assert!(matches!(blobs.read(&absent).await, Err(GitError::NoObject { .. })));
    assert_eq!(blobs.read(&tree.get(&path("empty")).unwrap().object).await.unwrap(), b"");
}

/// A Git for each of them would take minutes.
#[tokio::test]
async fn a_hundred_thousand_files_are_listed_in_one_go() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Repository::open_or_init(folder.path().join("copy")).await.unwrap();
    let mut import = "blob\nmark :1\ndata 1\nx\n\
        commit refs/heads/main\ncommitter Ann <ann@example.org> 1700000000 +0000\ndata 4\nMany\n"
        .to_owned();
    for at in 0..100_000 {
        writeln!(import, "M 100644 :1 {}/{}/{at}.txt", at % 10, at % 1000).unwrap();
    }
    git_with(copy.path(), &["fast-import", "--quiet"], import);
    let commit = copy.resolve("main").await.unwrap().unwrap();
    let listing = tokio::time::timeout(Duration::from_mins(1), copy.tree(&commit));
    assert_eq!(listing.await.expect("they are listed").unwrap().entries().len(), 100_000);
}

#[tokio::test]
async fn what_a_commit_only_refers_to_is_told() {
    let sandbox = Sandbox::new();
    let other = Sandbox::new();
    other.commit("Other");
    let url = other.root().to_str().unwrap().to_owned();
    sandbox.git(&["submodule", "--quiet", "add", &url, "vendor/lib"]);
    sandbox.write("art/.gitattributes", "*.psd filter=lfs diff=lfs merge=lfs -text\n");
    let commit = sandbox.commit("Elsewhere");
    let copy = sandbox.copy().await;
    let caveats = Caveat::of(&copy.tree(&commit).await.unwrap(), &Blobs::new(&copy)).await.unwrap();
    assert_eq!(
        caveats,
        [
            Caveat::Submodules { paths: vec!["vendor/lib".into()] },
            Caveat::LargeFiles { attributes: "art/.gitattributes".into() },
        ]
    );
}

#[tokio::test]
async fn tidying_loses_nothing() {
    let sandbox = Sandbox::new();
    let mut commits = Vec::new();
    for at in 0..5 {
        sandbox.write("file", at.to_string());
        commits.push(sandbox.commit("Next"));
        sandbox.copy().await;
    }
    sandbox.git(&["reset", "--quiet", "--hard", commits[0].as_str()]);
    let copy = sandbox.copy().await;
    copy.tidy().await.unwrap();
    for commit in &commits {
        assert!(copy.contains(commit).await.unwrap(), "{commit}");
    }
    git(copy.path(), &["fsck", "--strict"]);
    assert!(!copy.tidy_if_due().await.unwrap());
    let commit = &commits[4];
    let references = (0..100).map(|at| format!("create refs/hops/{}{at:02} {commit}\n", "ab".repeat(19)));
    git_with(copy.path(), &["update-ref", "--stdin"], references.collect::<String>());
    assert!(copy.tidy_if_due().await.unwrap());
    assert!(!copy.tidy_if_due().await.unwrap());
    assert_eq!(git(copy.path(), &["for-each-ref", "refs/hops"]).lines().count(), 100);
}
