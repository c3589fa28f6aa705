//! Faults that cannot be provoked from outside.

use std::path::Path;

use hops_model::{
    AppName, Cause, CauseCode, DeployId, DesiredAppling, Environment, Event, HostName, ImageRef, Target,
};
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

#[tokio::test]
async fn what_an_older_version_kept_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hops.db");
    let image = ImageRef::parse(&format!("r.example.org/shop/web@sha256:{}", "a".repeat(64))).unwrap();
    let host = HostName::parse("shop.example.com").unwrap();
    let form = DesiredAppling { routes: vec![host.clone()], ..hops_testkit::appling("web", 1, image) };
    // As of the last version that kept forms and routes apart from deploys.
    let old = SqlitePoolOptions::new()
        .connect_with(options().filename(&path).create_if_missing(true))
        .await
        .unwrap();
    MIGRATIONS.run_to(2, &old).await.unwrap();
    for statement in [
        "INSERT INTO apps (name, created_at) VALUES ('shop', 1), ('blog', 1)",
        "INSERT INTO deploys (id, app, environment, commit_id, subject, state, created_at)
         VALUES (7, 'shop', 'prod', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'Begin', 'queued', 1)",
        "INSERT INTO routes (host, app, environment) VALUES ('shop.example.com', 'shop', 'prod')",
    ] {
        sqlx::query(statement).execute(&old).await.unwrap();
    }
    sqlx::query(
        "INSERT INTO good_forms (app, environment, appling, form) VALUES ('shop', 'prod', 'web', $1)",
    )
    .bind(serde_json::to_string(&form).unwrap())
    .execute(&old)
    .await
    .unwrap();
    old.close().await;

    let store = in_file(directory.path()).await;
    let shop = Target::new(shop(), Environment::Prod);
    assert_eq!(store.serving(&shop).await.unwrap().into_values().collect::<Vec<_>>(), [form]);
    let blog = Target::new(AppName::parse("blog").unwrap(), Environment::Prod);
    let taken = store.claim_hosts(&blog, &[host]).await;
    assert!(matches!(taken, Err(StoreError::HostTaken { owner, .. }) if owner == shop));
    let deploy = store.claim(Timestamp::UNIX_EPOCH).await.unwrap().unwrap();
    assert_eq!(deploy.id, DeployId(7));
    assert!(store.request_cancel(deploy.id).await.unwrap());
    assert!(store.removals().await.unwrap().is_empty());
}
