//! Apps, and where each of them runs.

use hops_model::{AppName, Deploy, Environment, ReleaseNumber};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{Store, StoreError, decode::Row, deploys::DeployRow, error::DoingExt};

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppRow {
    /// Its name.
    pub name: AppName,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// The environments it was deployed to, in the order of their names.
    pub environments: Vec<EnvironmentRow>,
}

/// An environment of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvironmentRow {
    /// The environment.
    pub environment: Environment,
    /// The latest release; none where no deploy got that far.
    pub release: Option<ReleaseNumber>,
    /// The latest deploy, with its outcome.
    pub deploy: Deploy,
}

#[derive(FromRow)]
struct LatestRow {
    latest_release: Option<i64>,
    #[sqlx(flatten)]
    deploy: DeployRow,
}

impl Store {
    /// Whether the app is known.
    pub async fn app_exists(&self, app: &AppName) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM apps WHERE name = $1")
            .bind(app.as_str())
            .fetch_one(self.reader())
            .await
            .doing("look for the app")?;
        Ok(count > 0)
    }

    /// Makes the app known, if it is not. Refused with [`StoreError::NameTaken`] where its name as a DNS label is another
    /// app's: both would have the same namespace, hosts and images.
    pub async fn ensure_app(&self, app: &AppName, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin("write the app").await?;
        ensure_app(&mut tx, app, at).await?;
        tx.commit().await.doing("write the app")
    }

    /// Every app, in the order of their names.
    pub async fn apps(&self) -> Result<Vec<AppRow>, StoreError> {
        let action = "read the apps";
        let names: Vec<(String, i64)> = sqlx::query_as("SELECT name, created_at FROM apps ORDER BY name")
            .fetch_all(self.reader())
            .await
            .doing(action)?;
        let latest: Vec<LatestRow> = sqlx::query_as(
            "SELECT deploys.*, (
                 SELECT MAX(releases.number) FROM releases
                 WHERE releases.app = deploys.app AND releases.environment = deploys.environment
             ) AS latest_release
             FROM deploys
             WHERE id IN (SELECT MAX(newest.id) FROM deploys AS newest GROUP BY newest.app, newest.environment)
             ORDER BY app, environment",
        )
        .fetch_all(self.reader())
        .await
        .doing(action)?;

        let mut apps = Vec::with_capacity(names.len());
        for (name, created_at) in names {
            let row = Row::new("apps", &name);
            let (name, created_at) = (row.parse("name", &name)?, row.instant("created_at", created_at)?);
            apps.push(AppRow { name, created_at, environments: Vec::new() });
        }
        for LatestRow { latest_release, deploy } in latest {
            let deploy = deploy.read()?;
            let row = Row::new("releases", &deploy.target);
            let release = latest_release.map(|number| row.release("number", number)).transpose()?;
            let environment = deploy.target.environment;
            if let Some(app) = apps.iter_mut().find(|app| app.name == deploy.target.app) {
                app.environments.push(EnvironmentRow { environment, release, deploy });
            }
        }
        Ok(apps)
    }
}

pub(crate) async fn ensure_app(
    connection: &mut SqliteConnection,
    app: &AppName,
    at: Timestamp,
) -> Result<(), StoreError> {
    let action = "write the app";
    let made = sqlx::query(
        "INSERT INTO apps (name, created_at) SELECT $1, $2
         WHERE NOT EXISTS (SELECT 1 FROM apps WHERE name <> $1 AND REPLACE(name, '_', '-') = $3)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(app.as_str())
    .bind(at.as_millisecond())
    .bind(app.dns())
    .execute(&mut *connection)
    .await
    .doing(action)?;
    if made.rows_affected() > 0 {
        return Ok(());
    }
    // It is known already, or another that comes first goes by the same name where `_` cannot be written.
    let namesakes: Vec<String> =
        sqlx::query_scalar("SELECT name FROM apps WHERE REPLACE(name, '_', '-') = $1")
            .bind(app.dns())
            .fetch_all(connection)
            .await
            .doing(action)?;
    match namesakes.first().filter(|_| !namesakes.iter().any(|name| name == app.as_str())) {
        Some(other) => Err(StoreError::NameTaken { app: app.clone(), other: other.clone() }),
        None => Ok(()),
    }
}
