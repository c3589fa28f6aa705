//! What happened during each deploy, in order, append-only.

use hops_model::{DeployId, DeployState, Event};
use sqlx::SqliteConnection;

use crate::{
    Store, StoreError,
    decode::{Row, json},
    deploys::state,
    error::DoingExt,
};

impl Store {
    /// Adds an event to a deploy, and gives its sequence number: 1, 2, 3, … for each deploy.
    ///
    /// [`Event::Outcome`] is added by [`Store::finish`]; after it none can be.
    pub async fn append_event(&self, deploy: DeployId, event: &Event) -> Result<u64, StoreError> {
        let mut tx = self.begin("write an event").await?;
        if state(&mut tx, deploy).await? == DeployState::Finished {
            return Err(StoreError::DeployFinished(deploy));
        }
        let sequence = append(&mut tx, deploy, event).await?;
        tx.commit().await.doing("write an event")?;
        Ok(sequence)
    }

    /// The events of a deploy after a sequence number, oldest first. Of a deploy of long ago only the last is left.
    pub async fn events_after(
        &self,
        deploy: DeployId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Event)>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT sequence, event FROM events WHERE deploy = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        )
        .bind(deploy.0)
        // Beyond what a sequence number can be, nothing follows.
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(self.reader())
        .await
        .doing("read the events")?;
        let read = |(sequence, event): (i64, String)| {
            let key = format!("deploy {deploy}, event {sequence}");
            let row = Row::new("events", &key);
            Ok((row.number("sequence", sequence)?, row.document("event", &event)?))
        };
        rows.into_iter().map(read).collect()
    }
}

pub(crate) async fn append(
    connection: &mut SqliteConnection,
    deploy: DeployId,
    event: &Event,
) -> Result<u64, StoreError> {
    let sequence: i64 = sqlx::query_scalar(
        "INSERT INTO events (deploy, sequence, event)
         SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2 FROM events WHERE deploy = $1
         RETURNING sequence",
    )
    .bind(deploy.0)
    .bind(json(event))
    .fetch_one(connection)
    .await
    .doing("write an event")?;
    let key = format!("deploy {deploy}");
    Row::new("events", &key).number("sequence", sequence)
}
