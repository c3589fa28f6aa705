//! From columns to the model, and back. What cannot be read is named by table, row and column.

use std::{error::Error, fmt::Display, str::FromStr};

use hops_model::{AppName, DeployState, Environment, ReleaseNumber, Target, release::Origin};
use jiff::Timestamp;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error as ValueError},
};

use crate::StoreError;

/// A row, for the error that names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'static str,
    pub(crate) key: &'a dyn Key,
}

/// What names a row.
pub(crate) trait Key: Display + std::fmt::Debug + Sync {}
impl<T: Display + std::fmt::Debug + Sync> Key for T {}

impl<'a> Row<'a> {
    pub(crate) fn new(table: &'static str, key: &'a dyn Key) -> Self {
        Self { table, key }
    }

    fn unreadable(self, column: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Unreadable { table: self.table, key: self.key.to_string(), column, source: source.into() }
    }

    pub(crate) fn parse<T>(self, column: &'static str, text: &str) -> Result<T, StoreError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        text.parse().map_err(|error| self.unreadable(column, error))
    }

    pub(crate) fn document<T: DeserializeOwned>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.unreadable(column, error))
    }

    pub(crate) fn instant(self, column: &'static str, milliseconds: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(milliseconds).map_err(|error| self.unreadable(column, error))
    }

    pub(crate) fn number<T>(self, column: &'static str, number: i64) -> Result<T, StoreError>
    where
        T: TryFrom<i64, Error: Error + Send + Sync + 'static>,
    {
        T::try_from(number).map_err(|error| self.unreadable(column, error))
    }

    pub(crate) fn release(self, column: &'static str, number: i64) -> Result<ReleaseNumber, StoreError> {
        self.number(column, number).map(ReleaseNumber)
    }

    pub(crate) fn target(self, app: &str, environment: &str) -> Result<Target, StoreError> {
        let app: AppName = self.parse("app", app)?;
        let environment: Environment = self.parse("environment", environment)?;
        Ok(Target::new(app, environment))
    }

    pub(crate) fn state(self, text: &str) -> Result<DeployState, StoreError> {
        let text = text.into_deserializer();
        DeployState::deserialize(text).map_err(|error: ValueError| self.unreadable("state", error))
    }

    pub(crate) fn origin(self, rollback_to: Option<i64>) -> Result<Origin, StoreError> {
        match rollback_to {
            None => Ok(Origin::Deploy),
            Some(number) => Ok(Origin::Rollback { to: self.release("rollback_to", number)? }),
        }
    }
}

/// A document as it is kept.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the model's types have text keys and no failing serializer")
}
