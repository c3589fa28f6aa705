//! Removing an app from an environment: what keeps deploys of it away until nothing of it is left.

use hops_model::Target;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::{Store, StoreError, decode::Row, deploys::unfinished, error::DoingExt};

impl Store {
    /// Begins to remove an app from an environment. No deploy of it is claimed from then on, until the removal ends in one
    /// of both ways.
    ///
    /// Refused with [`StoreError::Busy`] while a deploy of it waits or runs, and with [`StoreError::BeingRemoved`] while it
    /// is being removed already.
    pub async fn begin_removal(&self, target: &Target, at: Timestamp) -> Result<(), StoreError> {
        let action = "begin to remove the app from the environment";
        let mut tx = self.begin(action).await?;
        if let Some(deploy) = unfinished(&mut tx, target).await?.first().copied() {
            return Err(StoreError::Busy { target: target.clone(), deploy });
        }
        let begun = sqlx::query(
            "INSERT INTO removals (app, environment, begun_at) VALUES ($1, $2, $3)
             ON CONFLICT (app, environment) DO NOTHING",
        )
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .bind(at.as_millisecond())
        .execute(&mut *tx)
        .await
        .doing(action)?;
        if begun.rows_affected() == 0 {
            return Err(StoreError::BeingRemoved(target.clone()));
        }
        tx.commit().await.doing(action)
    }

    /// What is being removed. At a start those are the removals that the last process left behind.
    pub async fn removals(&self) -> Result<Vec<Target>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT app, environment FROM removals ORDER BY begun_at")
                .fetch_all(self.reader())
                .await
                .doing("read the removals")?;
        let row = Row::new("removals", &"a removal");
        rows.iter().map(|(app, environment)| row.target(app, environment)).collect()
    }

    /// Ends a removal of which nothing came: what there is of the app stays.
    pub async fn abandon_removal(&self, target: &Target) -> Result<(), StoreError> {
        let mut tx = self.begin("give the removal up").await?;
        forget(&mut tx, target, &["DELETE FROM removals WHERE app = $1 AND environment = $2"]).await?;
        tx.commit().await.doing("give the removal up")
    }

    /// Ends a removal, and forgets the app in the environment: its deploys, events, releases, hosts and what served. Its
    /// app stays known, and so does what was queued meanwhile.
    pub async fn finish_removal(&self, target: &Target) -> Result<(), StoreError> {
        let mut tx = self.begin(FORGETTING).await?;
        // Plans, events and releases go with their deploys.
        let statements = [
            "DELETE FROM hosts WHERE app = $1 AND environment = $2",
            "DELETE FROM serving WHERE app = $1 AND environment = $2",
            "DELETE FROM deploys WHERE app = $1 AND environment = $2 AND state = 'finished'",
            "DELETE FROM removals WHERE app = $1 AND environment = $2",
        ];
        forget(&mut tx, target, &statements).await?;
        tx.commit().await.doing(FORGETTING)
    }
}

const FORGETTING: &str = "remove the app from the environment";

async fn forget(
    connection: &mut SqliteConnection,
    target: &Target,
    statements: &[&'static str],
) -> Result<(), StoreError> {
    for statement in statements {
        sqlx::query(*statement)
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .execute(&mut *connection)
            .await
            .doing(FORGETTING)?;
    }
    Ok(())
}

/// Whether a target is being removed.
pub(crate) async fn is_removed(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM removals WHERE app = $1 AND environment = $2)")
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .fetch_one(connection)
        .await
        .doing("read the removals")
}
