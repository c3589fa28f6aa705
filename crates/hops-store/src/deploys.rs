//! Deploys: the job queue.

use hops_model::{
    Cause, CauseCode, CommitId, Deploy, DeployId, DeployState, Event, Outcome, Target, release::Origin,
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::{
    Store, StoreError,
    apps::ensure_app,
    decode::{Row, json},
    error::DoingExt,
    events::append,
    removals::is_removed,
    serving::{Effect, put_into_effect},
};

/// A deploy as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeploy {
    /// The app and environment.
    pub target: Target,
    /// What is put into effect.
    pub origin: Origin,
    /// The commit.
    pub commit: CommitId,
    /// First line of the commit's message.
    pub subject: String,
    /// When it is asked for.
    pub created_at: Timestamp,
}

/// A deploy that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueued {
    /// The deploy.
    pub deploy: Deploy,
    /// Those that waited before, and will not be done: they ended as cancelled.
    pub replaced: Vec<DeployId>,
}

#[derive(FromRow)]
pub(crate) struct DeployRow {
    id: i64,
    app: String,
    environment: String,
    rollback_to: Option<i64>,
    commit_id: String,
    subject: String,
    state: String,
    release: Option<i64>,
    outcome: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl Store {
    /// Puts a deploy in the queue, and in the place of one of the same target that has not started. Where another one
    /// runs, its first event is [`Event::Queued`].
    pub async fn enqueue(&self, new: &NewDeploy) -> Result<Enqueued, StoreError> {
        let action = "write the deploy";
        let mut tx = self.begin(action).await?;
        ensure_app(&mut tx, &new.target.app, new.created_at).await?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO counters (name, value) VALUES ('deploy', 1)
             ON CONFLICT (name) DO UPDATE SET value = counters.value + 1
             RETURNING value",
        )
        .fetch_one(&mut *tx)
        .await
        .doing(action)?;

        let waiting: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM deploys WHERE app = $1 AND environment = $2 AND state = 'queued' ORDER BY id",
        )
        .bind(new.target.app.as_str())
        .bind(new.target.environment.as_str())
        .fetch_all(&mut *tx)
        .await
        .doing(action)?;
        let replaced: Vec<DeployId> = waiting.into_iter().map(DeployId).collect();
        for deploy in &replaced {
            end(&mut tx, *deploy, &replaced_by(DeployId(id)), new.created_at).await?;
        }

        let rollback_to = match new.origin {
            Origin::Deploy => None,
            Origin::Rollback { to } => Some(i64::from(to.0)),
        };
        let row: DeployRow = sqlx::query_as(
            "INSERT INTO deploys (id, app, environment, rollback_to, commit_id, subject, state, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7)
             RETURNING *",
        )
        .bind(id)
        .bind(new.target.app.as_str())
        .bind(new.target.environment.as_str())
        .bind(rollback_to)
        .bind(new.commit.as_str())
        .bind(&new.subject)
        .bind(new.created_at.as_millisecond())
        .fetch_one(&mut *tx)
        .await
        .doing(action)?;
        let deploy = row.read()?;
        // In the same transaction, so that it is the first event even where the deploy is claimed at once.
        if unfinished(&mut tx, &new.target).await? != [deploy.id] || is_removed(&mut tx, &new.target).await? {
            append(&mut tx, deploy.id, &Event::Queued).await?;
        }
        tx.commit().await.doing(action)?;
        Ok(Enqueued { deploy, replaced })
    }

    /// Takes the oldest waiting deploy whose target has none running and is not being removed; it runs from then on.
    pub async fn claim(&self, at: Timestamp) -> Result<Option<Deploy>, StoreError> {
        let row: Option<DeployRow> = sqlx::query_as(
            "UPDATE deploys SET state = 'running', started_at = $1
             WHERE id = (
                 SELECT waiting.id FROM deploys AS waiting
                 WHERE waiting.state = 'queued' AND NOT EXISTS (
                     SELECT 1 FROM deploys AS other
                     WHERE other.app = waiting.app AND other.environment = waiting.environment
                     AND other.state = 'running'
                 ) AND NOT EXISTS (
                     SELECT 1 FROM removals
                     WHERE removals.app = waiting.app AND removals.environment = waiting.environment
                 )
                 ORDER BY waiting.id LIMIT 1
             )
             RETURNING *",
        )
        .bind(at.as_millisecond())
        .fetch_optional(self.writer())
        .await
        .doing("take a deploy from the queue")?;
        row.map(DeployRow::read).transpose()
    }

    /// The deploys that run, oldest first. At a start those are the ones that the last process left behind.
    pub async fn running(&self) -> Result<Vec<Deploy>, StoreError> {
        let rows: Vec<DeployRow> =
            sqlx::query_as("SELECT * FROM deploys WHERE state = 'running' ORDER BY id")
                .fetch_all(self.reader())
                .await
                .doing("read the running deploys")?;
        rows.into_iter().map(DeployRow::read).collect()
    }

    /// Ends a deploy, and its events with [`Event::Outcome`]; from then on that serves what it has put into effect, and
    /// holds its hosts. Gives the event's sequence number.
    ///
    /// Fails with [`StoreError::DeployFinished`] where it has ended already: the first outcome stands.
    pub async fn finish(
        &self,
        deploy: DeployId,
        outcome: &Outcome,
        effect: &Effect,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let action = "end the deploy";
        let mut tx = self.begin(action).await?;
        let sequence = end(&mut tx, deploy, outcome, at).await?;
        let (app, environment): (String, String) =
            sqlx::query_as("SELECT app, environment FROM deploys WHERE id = $1")
                .bind(deploy.0)
                .fetch_one(&mut *tx)
                .await
                .doing(action)?;
        let key = format!("deploy {deploy}");
        let target = Row::new("deploys", &key).target(&app, &environment)?;
        put_into_effect(&mut tx, &target, effect).await?;
        tx.commit().await.doing("end the deploy")?;
        Ok(sequence)
    }

    /// Ends a deploy as [`Self::finish`] does, unless it has started. Gives whether it did.
    pub async fn withdraw(
        &self,
        deploy: DeployId,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin("withdraw the deploy").await?;
        if state(&mut tx, deploy).await? != DeployState::Queued {
            return Ok(false);
        }
        end(&mut tx, deploy, outcome, at).await?;
        tx.commit().await.doing("withdraw the deploy")?;
        Ok(true)
    }

    /// Has a deploy that runs end before its release is written. Gives whether it will: not where it has its release, or
    /// has ended.
    pub async fn request_cancel(&self, deploy: DeployId) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE deploys SET cancel_requested = TRUE WHERE id = $1 AND state = 'running' AND release IS NULL",
        )
        .bind(deploy.0)
        .execute(self.writer())
        .await
        .doing("cancel the deploy")?;
        Ok(done.rows_affected() > 0)
    }

    /// Whether somebody wants it to end.
    pub async fn cancel_is_requested(&self, deploy: DeployId) -> Result<bool, StoreError> {
        let mut connection = self.reader().acquire().await.doing("read the deploy")?;
        cancel_is_requested(&mut connection, deploy).await
    }

    /// Counts that a deploy that a former process left running is taken up. Gives how often that was since a process last
    /// stopped in order.
    pub async fn take_up(&self, deploy: DeployId) -> Result<u32, StoreError> {
        let times: i64 =
            sqlx::query_scalar("UPDATE deploys SET taken_up = taken_up + 1 WHERE id = $1 RETURNING taken_up")
                .bind(deploy.0)
                .fetch_one(self.writer())
                .await
                .doing("take up the deploy")?;
        Row::new("deploys", &format!("deploy {deploy}")).number("taken_up", times)
    }

    /// Writes down that this process stops in order: the deploys it leaves running did not bring it down.
    pub async fn stop_in_order(&self) -> Result<(), StoreError> {
        sqlx::query("UPDATE deploys SET taken_up = 0 WHERE state = 'running'")
            .execute(self.writer())
            .await
            .map(drop)
            .doing("stop in order")
    }

    /// A deploy by its number.
    pub async fn deploy(&self, id: DeployId) -> Result<Option<Deploy>, StoreError> {
        let row: Option<DeployRow> = sqlx::query_as("SELECT * FROM deploys WHERE id = $1")
            .bind(id.0)
            .fetch_optional(self.reader())
            .await
            .doing("read the deploy")?;
        row.map(DeployRow::read).transpose()
    }

    /// The last deploys of a target, newest first.
    pub async fn deploys(&self, target: &Target, limit: u32) -> Result<Vec<Deploy>, StoreError> {
        let rows: Vec<DeployRow> = sqlx::query_as(
            "SELECT * FROM deploys WHERE app = $1 AND environment = $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.reader())
        .await
        .doing("read the deploys")?;
        rows.into_iter().map(DeployRow::read).collect()
    }

    /// Writes a deploy's plan down before it is applied, so that it can be applied again after a crash.
    pub async fn save_plan(&self, deploy: DeployId, plan: &Value) -> Result<(), StoreError> {
        let action = "write the plan";
        let mut tx = self.begin(action).await?;
        if state(&mut tx, deploy).await? == DeployState::Finished {
            return Err(StoreError::DeployFinished(deploy));
        }
        sqlx::query(
            "INSERT INTO plans (deploy, plan) VALUES ($1, $2)
             ON CONFLICT (deploy) DO UPDATE SET plan = excluded.plan",
        )
        .bind(deploy.0)
        .bind(json(plan))
        .execute(&mut *tx)
        .await
        .doing(action)?;
        tx.commit().await.doing(action)
    }

    /// A deploy's plan; none where it did not get that far, or was long ago.
    pub async fn plan(&self, deploy: DeployId) -> Result<Option<Value>, StoreError> {
        let text: Option<String> = sqlx::query_scalar("SELECT plan FROM plans WHERE deploy = $1")
            .bind(deploy.0)
            .fetch_optional(self.reader())
            .await
            .doing("read the plan")?;
        let key = format!("deploy {deploy}");
        text.map(|text| Row::new("plans", &key).document("plan", &text)).transpose()
    }
}

impl DeployRow {
    pub(crate) fn read(self) -> Result<Deploy, StoreError> {
        let key = format!("deploy {}", self.id);
        let row = Row::new("deploys", &key);
        Ok(Deploy {
            id: DeployId(self.id),
            target: row.target(&self.app, &self.environment)?,
            origin: row.origin(self.rollback_to)?,
            commit: row.parse("commit_id", &self.commit_id)?,
            subject: self.subject,
            state: row.state(&self.state)?,
            release: self.release.map(|number| row.release("release", number)).transpose()?,
            outcome: self.outcome.map(|text| row.document("outcome", &text)).transpose()?,
            created_at: row.instant("created_at", self.created_at)?,
            finished_at: self.finished_at.map(|at| row.instant("finished_at", at)).transpose()?,
        })
    }
}

/// How far a deploy is, inside a transaction.
pub(crate) async fn state(
    connection: &mut SqliteConnection,
    deploy: DeployId,
) -> Result<DeployState, StoreError> {
    let text: Option<String> = sqlx::query_scalar("SELECT state FROM deploys WHERE id = $1")
        .bind(deploy.0)
        .fetch_optional(connection)
        .await
        .doing("read the deploy")?;
    let key = format!("deploy {deploy}");
    Row::new("deploys", &key).state(&text.ok_or(StoreError::DeployMissing(deploy))?)
}

/// Whether somebody wants it to end, inside a transaction.
pub(crate) async fn cancel_is_requested(
    connection: &mut SqliteConnection,
    deploy: DeployId,
) -> Result<bool, StoreError> {
    let found: Option<bool> = sqlx::query_scalar("SELECT cancel_requested FROM deploys WHERE id = $1")
        .bind(deploy.0)
        .fetch_optional(connection)
        .await
        .doing("read the deploy")?;
    found.ok_or(StoreError::DeployMissing(deploy))
}

/// The deploys of a target that wait or run.
pub(crate) async fn unfinished(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<Vec<DeployId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM deploys WHERE app = $1 AND environment = $2 AND state <> 'finished' ORDER BY id",
    )
    .bind(target.app.as_str())
    .bind(target.environment.as_str())
    .fetch_all(connection)
    .await
    .doing("read the deploys")?;
    Ok(ids.into_iter().map(DeployId).collect())
}

async fn end(
    connection: &mut SqliteConnection,
    deploy: DeployId,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<u64, StoreError> {
    // The event comes first: none can be added once the deploy has ended.
    let sequence = append(connection, deploy, &Event::Outcome(outcome.clone())).await?;
    sqlx::query("UPDATE deploys SET state = 'finished', outcome = $1, finished_at = $2 WHERE id = $3")
        .bind(json(outcome))
        .bind(at.as_millisecond())
        .bind(deploy.0)
        .execute(connection)
        .await
        .doing("end the deploy")?;
    Ok(sequence)
}

fn replaced_by(deploy: DeployId) -> Outcome {
    Outcome::failed(Cause::new(
        CauseCode::Cancelled,
        format!("replaced by deploy {deploy} before it started"),
        format!("follow deploy {deploy} instead"),
    ))
}
