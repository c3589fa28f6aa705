//! Which app in which environment a host belongs to: held by what serves, by what is coming, or by both.

use hops_model::{HostName, Target};
use sqlx::SqliteConnection;

use crate::{Store, StoreError, decode::Row, error::DoingExt};

impl Store {
    /// Holds these hosts for what is coming, beside those of what serves. All of them or, with
    /// [`StoreError::HostTaken`], none. The target's app has to be known.
    pub async fn claim_hosts(&self, target: &Target, hosts: &[HostName]) -> Result<(), StoreError> {
        let action = "claim the hosts";
        let mut tx = self.begin(action).await?;
        for host in hosts {
            // Another's row comes back as it is.
            let (app, environment): (String, String) = sqlx::query_as(
                "INSERT INTO hosts (host, app, environment, serves, comes) VALUES ($1, $2, $3, FALSE, TRUE)
                 ON CONFLICT (host) DO UPDATE
                 SET comes = hosts.comes OR (hosts.app = excluded.app AND hosts.environment = excluded.environment)
                 RETURNING app, environment",
            )
            .bind(host.as_str())
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .fetch_one(&mut *tx)
            .await
            .doing(action)?;
            let owner = Row::new("hosts", host).target(&app, &environment)?;
            if owner != *target {
                return Err(StoreError::HostTaken { host: host.clone(), owner });
            }
        }
        tx.commit().await.doing(action)
    }
}

/// The hosts that are held from now on are these, and nothing is coming.
pub(crate) async fn serve(
    connection: &mut SqliteConnection,
    target: &Target,
    hosts: impl Iterator<Item = &HostName>,
) -> Result<(), StoreError> {
    let action = "give the hosts to what serves";
    sqlx::query("UPDATE hosts SET serves = FALSE, comes = FALSE WHERE app = $1 AND environment = $2")
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .execute(&mut *connection)
        .await
        .doing(action)?;
    serve_too(connection, target, hosts).await?;
    forget_free(connection, target).await
}

/// These hosts serve, beside those that do already.
pub(crate) async fn serve_too(
    connection: &mut SqliteConnection,
    target: &Target,
    hosts: impl Iterator<Item = &HostName>,
) -> Result<(), StoreError> {
    for host in hosts {
        // It was claimed before it could serve. One of another target stays that one's.
        sqlx::query("UPDATE hosts SET serves = TRUE WHERE host = $1 AND app = $2 AND environment = $3")
            .bind(host.as_str())
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .execute(&mut *connection)
            .await
            .doing("give the hosts to what serves")?;
    }
    Ok(())
}

/// What was coming may be there.
pub(crate) async fn keep_what_was_coming(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE hosts SET serves = TRUE, comes = FALSE WHERE app = $1 AND environment = $2 AND comes")
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .execute(connection)
        .await
        .map(drop)
        .doing("keep the hosts")
}

/// What was coming does not come.
pub(crate) async fn let_go_of_what_was_coming(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE hosts SET comes = FALSE WHERE app = $1 AND environment = $2")
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .execute(&mut *connection)
        .await
        .doing("let go of hosts")?;
    forget_free(connection, target).await
}

async fn forget_free(connection: &mut SqliteConnection, target: &Target) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM hosts WHERE app = $1 AND environment = $2 AND NOT serves AND NOT comes")
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .execute(connection)
        .await
        .map(drop)
        .doing("let go of hosts")
}
