//! What is forgotten in time, so that the file stays flat.

use crate::{Store, StoreError, error::DoingExt};

impl Store {
    /// Forgets the plans and events of ended deploys, but for the last `keep` of each target and the last event of
    /// each deploy. Deploys and releases stay. The freed pages are used again.
    pub async fn prune_events(&self, keep: u32) -> Result<(), StoreError> {
        let action = "forget old events";
        let mut tx = self.begin(action).await?;
        for statement in [
            "DELETE FROM plans WHERE deploy IN (
                 SELECT id FROM (
                     SELECT id, state, ROW_NUMBER() OVER (PARTITION BY app, environment ORDER BY id DESC) AS place
                     FROM deploys
                 ) AS ranked
                 WHERE place > $1 AND state = 'finished'
             )",
            "DELETE FROM events WHERE deploy IN (
                 SELECT id FROM (
                     SELECT id, state, ROW_NUMBER() OVER (PARTITION BY app, environment ORDER BY id DESC) AS place
                     FROM deploys
                 ) AS ranked
                 WHERE place > $1 AND state = 'finished'
             ) AND sequence < (SELECT MAX(later.sequence) FROM events AS later WHERE later.deploy = events.deploy)",
        ] {
            sqlx::query(statement).bind(i64::from(keep)).execute(&mut *tx).await.doing(action)?;
        }
        tx.commit().await.doing(action)
    }
}
