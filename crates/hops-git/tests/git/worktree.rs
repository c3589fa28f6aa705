use std::fs;

use hops_git::{GitError, WorkTree};

use crate::sandbox::{Sandbox, git};

#[tokio::test]
async fn a_working_tree_is_found_from_below_and_named_by_its_remote() {
    let sandbox = Sandbox::new();
    sandbox.write("a/b/file", "");
    let tree = WorkTree::discover(&sandbox.root().join("a/b")).await.unwrap();
    assert_eq!(tree.root(), sandbox.root().canonicalize().unwrap());
    assert_eq!(tree.name().await.unwrap().as_deref(), Some("shop"));
    assert_eq!(tree.relative(&sandbox.root().join("a/b")).as_deref(), Some("a/b"));
    assert_eq!(tree.relative(sandbox.folder.path()), None);
    sandbox.git(&["remote", "add", "origin", "git@example.org:iterate/web-shop.git"]);
    assert_eq!(tree.name().await.unwrap().as_deref(), Some("web-shop"));
}

#[tokio::test]
async fn where_there_is_no_repository_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let error = WorkTree::discover(folder.path()).await.unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error}");
    git(folder.path(), &["init", "--quiet", "--bare"]);
    let error = WorkTree::discover(folder.path()).await.unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error}");
    let error = WorkTree::discover(&folder.path().join("absent")).await.unwrap_err();
    assert!(matches!(error, GitError::Start { .. }), "{error}");
}

#[tokio::test]
async fn a_dirty_commit_holds_the_tree_as_it_is_and_touches_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "*.log\n");
    sandbox.write("kept", "1");
    sandbox.write("changed", "1");
    sandbox.write("removed", "1");
    let head = sandbox.commit("First");
    let tree = sandbox.tree().await;
    assert!(!tree.is_dirty().await.unwrap());

    sandbox.write("changed", "2");
    sandbox.write("new/file", "3");
    sandbox.write("debug.log", "x");
    sandbox.write("staged", "4");
    sandbox.git(&["add", "staged"]);
    sandbox.write("staged", "5");
    fs::remove_file(sandbox.root().join("removed")).unwrap();
    assert!(tree.is_dirty().await.unwrap());

    let before =
        (sandbox.git(&["status", "--porcelain"]), fs::read(sandbox.root().join(".git/index")).unwrap());
    let commit = tree.dirty_commit().await.unwrap();
    let after =
        (sandbox.git(&["status", "--porcelain"]), fs::read(sandbox.root().join(".git/index")).unwrap());
    assert!(before == after);
    assert_eq!(tree.head().await.unwrap().as_ref(), Some(&head));

    let names = sandbox.git(&["ls-tree", "-r", "--name-only", commit.as_str()]);
    assert_eq!(names.lines().collect::<Vec<_>>(), [".gitignore", "changed", "kept", "new/file", "staged"]);
    assert_eq!(sandbox.git(&["show", &format!("{commit}:changed")]), "2");
    assert_eq!(sandbox.git(&["show", &format!("{commit}:staged")]), "5");
    assert_eq!(sandbox.id(&format!("{commit}^")), head);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%an <%ae>", commit.as_str()]), "HOPS <hops@localhost>");
    assert!(tree.subject(&commit).await.unwrap().starts_with("Uncommitted changes on top of "));
}

#[tokio::test]
async fn a_dirty_commit_needs_no_first_commit() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "1");
    let tree = sandbox.tree().await;
    assert_eq!(tree.head().await.unwrap(), None);
    let commit = tree.dirty_commit().await.unwrap();
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", commit.as_str()]), "file");
    assert_eq!(tree.head().await.unwrap(), None);
}
