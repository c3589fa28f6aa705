//! Which app in which environment a host belongs to.

use hops_model::{HostName, Target};

use crate::{Store, StoreError, decode::Row, error::DoingExt};

impl Store {
    /// Makes these the hosts of a target, in the place of those it had. All of them or, with
    /// [`StoreError::HostTaken`], none. The target's app has to be known.
    pub async fn claim_hosts(&self, target: &Target, hosts: &[HostName]) -> Result<(), StoreError> {
        let action = "claim the hosts";
        let mut tx = self.begin(action).await?;
        sqlx::query("DELETE FROM routes WHERE app = $1 AND environment = $2")
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .execute(&mut *tx)
            .await
            .doing(action)?;
        for host in hosts {
            // The write that changes nothing makes an existing row come back.
            let (app, environment): (String, String) = sqlx::query_as(
                "INSERT INTO routes (host, app, environment) VALUES ($1, $2, $3)
                 ON CONFLICT (host) DO UPDATE SET host = excluded.host
                 RETURNING app, environment",
            )
            .bind(host.as_str())
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .fetch_one(&mut *tx)
            .await
            .doing(action)?;
            let owner = Row::new("routes", host).target(&app, &environment)?;
            if owner != *target {
                return Err(StoreError::HostTaken { host: host.clone(), owner });
            }
        }
        tx.commit().await.doing(action)
    }
}
