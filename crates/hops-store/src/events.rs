//! What happened during each deploy, in order, append-only.

use hops_model::{DeployId, Event};
use sqlx::SqliteConnection;

use crate::{
    Store, StoreError,
    decode::{Row, json},
    deploys::state,
    error::DoingExt,
};

impl Store {
    /// Adds events to a deploy, all or none, and gives the sequence number of the last: 1, 2, 3, … for each deploy. One
    /// transaction for all of them: builds that print a lot come through here.
    ///
    /// [`Event::Outcome`] is added by [`Store::finish`]; after it none can be.
    pub async fn append_events(&self, deploy: DeployId, events: &[Event]) -> Result<u64, StoreError> {
        let action = "write events";
        let mut tx = self.begin(action).await?;
        let mut last = 0;
        for event in events {
            last = append(&mut tx, deploy, event).await?;
        }
        tx.commit().await.doing(action)?;
        Ok(last)
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
    let sequence: Option<i64> = sqlx::query_scalar(
        "INSERT INTO events (deploy, sequence, event)
         SELECT id, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM events WHERE deploy = $1), $2
         FROM deploys WHERE id = $1 AND state <> 'finished'
         RETURNING sequence",
    )
    .bind(deploy.0)
    .bind(json(event))
    .fetch_optional(&mut *connection)
    .await
    .doing("write an event")?;
    let Some(sequence) = sequence else {
        // No row was there to add to: either there is no such deploy, which `state` says, or it has ended.
        state(connection, deploy).await?;
        return Err(StoreError::DeployFinished(deploy));
    };
    let key = format!("deploy {deploy}");
    Row::new("events", &key).number("sequence", sequence)
}
