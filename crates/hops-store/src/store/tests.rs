//! Faults that cannot be provoked from outside.

use std::path::Path;

use hops_model::{AppName, Cause, CauseCode, DeployId, Event};
use jiff::Timestamp;

use super::*;

async fn execute(store: &Store, statement: &'static str) {
    sqlx::query(statement).execute(store.writer()).await.unwrap();
}

async fn in_file(directory: &Path) -> Store {
    Store::open(&directory.join("hops.db")).await.unwrap()
}

fn shop() -> AppName {
    AppName::parse("shop").unwrap()
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = in_file(directory.path()).await;
    execute(&store, "PRAGMA max_page_count = 1").await;
    let mut result = Ok(());
    for number in 0..10_000 {
        let app = AppName::parse(&format!("app{number}")).unwrap();
        result = store.ensure_app(&app, Timestamp::UNIX_EPOCH).await;
        if result.is_err() {
            let before = store.apps().await.unwrap();
            assert!(before.iter().all(|row| row.name != app));
            break;
        }
    }
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(error.to_string(), "could not write the app: the disk is full");
    let cause = Cause::from(&error);
    assert_eq!(cause.code, CauseCode::Internal);
    assert!(cause.help.contains("make room"), "{}", cause.help);
}

#[tokio::test]
async fn a_read_only_database_is_said_so() {
    let store = Store::memory().await.unwrap();
    execute(&store, "PRAGMA query_only = ON").await;
    let error = store.ensure_app(&shop(), Timestamp::UNIX_EPOCH).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = in_file(directory.path()).await;
    execute(
        &store,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'of the future', TRUE, x'00', 0)",
    )
    .await;
    drop(store);
    let error = Store::open(&directory.path().join("hops.db")).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { migration: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("newer version of HOPS"), "{error}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let store = Store::memory().await.unwrap();
    store.ensure_app(&shop(), Timestamp::UNIX_EPOCH).await.unwrap();
    execute(
        &store,
        "INSERT INTO deploys (id, app, environment, commit_id, subject, state, created_at)
         VALUES (7, 'shop', 'moon', 'a', 's', 'queued', 0)",
    )
    .await;
    let error = store.deploy(DeployId(7)).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read column `environment` of table `deploys` for deploy 7");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no environment `moon`"));

    execute(&store, "INSERT INTO events (deploy, sequence, event) VALUES (7, 3, '{\"event\":\"sung\"}')")
        .await;
    let error = store.events_after(DeployId(7), 0, 10).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read column `event` of table `events` for deploy 7, event 3");
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_running_deploy_of_a_target() {
    let store = Store::memory().await.unwrap();
    store.ensure_app(&shop(), Timestamp::UNIX_EPOCH).await.unwrap();
    let insert = "INSERT INTO deploys (id, app, environment, commit_id, subject, state, created_at)
         VALUES ((SELECT COUNT(*) FROM deploys), 'shop', 'prod', 'a', 's', 'running', 0)";
    execute(&store, insert).await;
    assert!(sqlx::query(insert).execute(store.writer()).await.is_err());
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_and_blocks_nobody() {
    let store = Store::memory().await.unwrap();
    let mut tx = store.begin("test").await.unwrap();
    sqlx::query("INSERT INTO apps (name, created_at) VALUES ('shop', 0)").execute(&mut *tx).await.unwrap();
    drop(tx);
    assert!(!store.app_exists(&shop()).await.unwrap());
    store.ensure_app(&shop(), Timestamp::UNIX_EPOCH).await.unwrap();
    let missing = store.append_events(DeployId(1), &[Event::Queued]).await;
    assert!(matches!(missing, Err(StoreError::DeployMissing(_))));
}
