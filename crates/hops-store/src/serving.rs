//! What serves: the form in which each appling of a target last ran well, and what it goes back to when a new one fails.

use std::collections::{BTreeMap, BTreeSet};

use hops_model::{ApplingName, DesiredAppling, HostName, Target};
use sqlx::SqliteConnection;

use crate::{
    Store, StoreError,
    decode::{Row, json},
    error::DoingExt,
    hosts,
};

/// What an ended deploy leaves in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It changed nothing: what served before serves on, and the hosts that were to come are let go.
    Nothing,
    /// It went as far as the engine, and nobody can say what became of it: whatever was to come may be there, and keeps
    /// its hosts until a deploy is applied.
    Unknown,
    /// Every appling that it applied is live, and what is not wanted any more was removed.
    Applied {
        /// Those that are live, or were left as they were, in their forms.
        live: Vec<DesiredAppling>,
        /// Every appling that the app has now, those whose build failed as well. What is not named is gone, and forgotten.
        applings: BTreeSet<ApplingName>,
    },
    /// Some failed. Engines remove nothing then: what the app has no more may be what still serves, at the hosts that it had.
    Partial {
        /// Those that are live, or were left as they were, in their forms.
        live: Vec<DesiredAppling>,
        /// Hosts of those that failed and had nothing to go back to: what is left of them may heal, and be reached.
        unsettled: Vec<HostName>,
    },
}

impl Store {
    /// The form in which each appling of a target serves.
    pub async fn serving(
        &self,
        target: &Target,
    ) -> Result<BTreeMap<ApplingName, DesiredAppling>, StoreError> {
        let mut connection = self.reader().acquire().await.doing("read what serves")?;
        read(&mut connection, target).await
    }

    /// Takes note of forms that serve although no deploy's end says so, and gives them their hosts.
    pub async fn note_serving(&self, target: &Target, forms: &[DesiredAppling]) -> Result<(), StoreError> {
        let action = "write what serves";
        let mut tx = self.begin(action).await?;
        for form in forms {
            write(&mut tx, target, form).await?;
            hosts::serve_too(&mut tx, target, form.routes.iter()).await?;
        }
        tx.commit().await.doing(action)
    }
}

/// Writes down what serves from now on, and gives the hosts to it, as a part of the transaction that ends a deploy.
pub(crate) async fn put_into_effect(
    connection: &mut SqliteConnection,
    target: &Target,
    effect: &Effect,
) -> Result<(), StoreError> {
    match effect {
        Effect::Nothing => hosts::let_go_of_what_was_coming(connection, target).await,
        Effect::Unknown => hosts::keep_what_was_coming(connection, target).await,
        Effect::Applied { live, applings } => {
            for form in live {
                write(connection, target, form).await?;
            }
            let serving = read(connection, target).await?;
            for gone in serving.keys().filter(|name| !applings.contains(*name)) {
                forget(connection, target, gone).await?;
            }
            let forms = serving.values().filter(|form| applings.contains(&form.name));
            hosts::serve(connection, target, forms.flat_map(|form| &form.routes)).await
        }
        Effect::Partial { live, unsettled } => {
            for form in live {
                write(connection, target, form).await?;
            }
            let held = live.iter().flat_map(|form| &form.routes).chain(unsettled);
            hosts::serve_too(connection, target, held).await?;
            hosts::let_go_of_what_was_coming(connection, target).await
        }
    }
}

async fn read(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<BTreeMap<ApplingName, DesiredAppling>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT appling, form FROM serving WHERE app = $1 AND environment = $2")
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .fetch_all(connection)
            .await
            .doing("read what serves")?;
    let read = |(appling, form): (String, String)| {
        let key = format!("{appling} of {target}");
        let row = Row::new("serving", &key);
        Ok((row.parse("appling", &appling)?, row.document("form", &form)?))
    };
    rows.into_iter().map(read).collect()
}

async fn write(
    connection: &mut SqliteConnection,
    target: &Target,
    form: &DesiredAppling,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO serving (app, environment, appling, form) VALUES ($1, $2, $3, $4)
         ON CONFLICT (app, environment, appling) DO UPDATE SET form = excluded.form",
    )
    .bind(target.app.as_str())
    .bind(target.environment.as_str())
    .bind(form.name.as_str())
    .bind(json(form))
    .execute(connection)
    .await
    .map(drop)
    .doing("write what serves")
}

async fn forget(
    connection: &mut SqliteConnection,
    target: &Target,
    appling: &ApplingName,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM serving WHERE app = $1 AND environment = $2 AND appling = $3")
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .bind(appling.as_str())
        .execute(connection)
        .await
        .map(drop)
        .doing("forget what served")
}
