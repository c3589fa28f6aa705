//! The last good form of each appling: what it goes back to when a new one fails.

use std::collections::BTreeMap;

use hops_model::{ApplingName, DesiredAppling, Target};

use crate::{
    Store, StoreError,
    decode::{Row, json},
    error::DoingExt,
};

impl Store {
    /// The last good form of every appling of a target.
    pub async fn good_forms(
        &self,
        target: &Target,
    ) -> Result<BTreeMap<ApplingName, DesiredAppling>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT appling, form FROM good_forms WHERE app = $1 AND environment = $2")
                .bind(target.app.as_str())
                .bind(target.environment.as_str())
                .fetch_all(self.reader())
                .await
                .doing("read the last good forms")?;
        let read = |(appling, form): (String, String)| {
            let key = format!("{appling} of {target}");
            let row = Row::new("good_forms", &key);
            Ok((row.parse("appling", &appling)?, row.document("form", &form)?))
        };
        rows.into_iter().map(read).collect()
    }

    /// Remembers the form in which an appling runs well.
    pub async fn set_good_form(&self, target: &Target, form: &DesiredAppling) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO good_forms (app, environment, appling, form) VALUES ($1, $2, $3, $4)
             ON CONFLICT (app, environment, appling) DO UPDATE SET form = excluded.form",
        )
        .bind(target.app.as_str())
        .bind(target.environment.as_str())
        .bind(form.name.as_str())
        .bind(json(form))
        .execute(self.writer())
        .await
        .map(drop)
        .doing("write the last good form")
    }

    /// Forgets the form of an appling that is gone.
    pub async fn forget_good_form(&self, target: &Target, appling: &ApplingName) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM good_forms WHERE app = $1 AND environment = $2 AND appling = $3")
            .bind(target.app.as_str())
            .bind(target.environment.as_str())
            .bind(appling.as_str())
            .execute(self.writer())
            .await
            .map(drop)
            .doing("forget the last good form")
    }
}
