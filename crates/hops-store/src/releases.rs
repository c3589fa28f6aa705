//! Releases: numbered for each target, written once.

use hops_model::{CommitId, Deploy, DeployId, Outcome, Release, ReleaseNumber, Target, release::Origin};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{
    Store, StoreError,
    decode::{Row, json},
    deploys::{DeployRow, cancel_is_requested},
    error::DoingExt,
};

/// A release and how it went, without its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseRow {
    /// Its number.
    pub number: ReleaseNumber,
    /// The commit it was made of.
    pub commit: CommitId,
    /// First line of the commit's message.
    pub subject: String,
    /// How it came to be.
    pub origin: Origin,
    /// The deploy that made it.
    pub deploy: DeployId,
    /// How that ended; none while it runs.
    pub outcome: Option<Outcome>,
    /// When that was asked for.
    pub created_at: Timestamp,
    /// When that ended.
    pub finished_at: Option<Timestamp>,
}

#[derive(FromRow)]
struct NumberedRow {
    number: i64,
    #[sqlx(flatten)]
    deploy: DeployRow,
}

impl Store {
    /// Writes the release of a deploy, with the next number of its target.
    ///
    /// A deploy has one release: where it is written already, that one is given back and `make` is not called. So a
    /// deploy that is taken up after a crash goes on with the release it had. A deploy that was cancelled gets none, with
    /// [`StoreError::DeployCancelled`].
    pub async fn write_release(
        &self,
        deploy: DeployId,
        make: impl FnOnce(ReleaseNumber) -> Release + Send,
    ) -> Result<Release, StoreError> {
        let action = "write the release";
        let mut tx = self.begin(action).await?;
        let row: Option<DeployRow> = sqlx::query_as("SELECT * FROM deploys WHERE id = $1")
            .bind(deploy.0)
            .fetch_optional(&mut *tx)
            .await
            .doing(action)?;
        let Deploy { target, release, outcome, .. } = row.ok_or(StoreError::DeployMissing(deploy))?.read()?;
        if let Some(number) = release {
            let written = read(&mut tx, &target, number).await?;
            return written.ok_or(StoreError::Failed { action, source: sqlx::Error::RowNotFound });
        }
        if outcome.is_some() {
            return Err(StoreError::DeployFinished(deploy));
        }
        if cancel_is_requested(&mut tx, deploy).await? {
            return Err(StoreError::DeployCancelled(deploy));
        }

        let next: i64 = sqlx::query_scalar(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM releases WHERE app = $1 AND environment = $2",
        )
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .fetch_one(&mut *tx)
        .await
        .doing(action)?;
        let release = make(Row::new("releases", &target).release("number", next)?);
        sqlx::query(
            "INSERT INTO releases (app, environment, number, deploy, record) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .bind(next)
        .bind(deploy.0)
        .bind(json(&release))
        .execute(&mut *tx)
        .await
        .doing(action)?;
        sqlx::query("UPDATE deploys SET release = $1 WHERE id = $2")
            .bind(next)
            .bind(deploy.0)
            .execute(&mut *tx)
            .await
            .doing(action)?;
        tx.commit().await.doing(action)?;
        Ok(release)
    }

    /// A release's record.
    pub async fn release(
        &self,
        target: &Target,
        number: ReleaseNumber,
    ) -> Result<Option<Release>, StoreError> {
        let mut connection = self.reader().acquire().await.doing("read the release")?;
        read(&mut connection, target, number).await
    }

    /// The last releases of a target, newest first.
    pub async fn releases(&self, target: &Target, limit: u32) -> Result<Vec<ReleaseRow>, StoreError> {
        let rows: Vec<NumberedRow> = sqlx::query_as(
            "SELECT releases.number, deploys.*
             FROM releases JOIN deploys ON deploys.id = releases.deploy
             WHERE releases.app = $1 AND releases.environment = $2
             ORDER BY releases.number DESC LIMIT $3",
        )
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.reader())
        .await
        .doing("read the releases")?;
        rows.into_iter().map(NumberedRow::read).collect()
    }
}

impl NumberedRow {
    fn read(self) -> Result<ReleaseRow, StoreError> {
        let deploy = self.deploy.read()?;
        Ok(ReleaseRow {
            number: Row::new("releases", &deploy.target).release("number", self.number)?,
            commit: deploy.commit,
            subject: deploy.subject,
            origin: deploy.origin,
            deploy: deploy.id,
            outcome: deploy.outcome,
            created_at: deploy.created_at,
            finished_at: deploy.finished_at,
        })
    }
}

async fn read(
    connection: &mut SqliteConnection,
    target: &Target,
    number: ReleaseNumber,
) -> Result<Option<Release>, StoreError> {
    let record: Option<String> =
        sqlx::query_scalar("SELECT record FROM releases WHERE app = $1 AND environment = $2 AND number = $3")
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .bind(i64::from(number.0))
            .fetch_optional(connection)
            .await
            .doing("read the release")?;
    let key = format!("release {number} of {target}");
    record.map(|text| Row::new("releases", &key).document("record", &text)).transpose()
}
