//! The contract between HOPS and a place to run apps.

use async_trait::async_trait;
use hops_model::{ApplingOutcome, ApplingStatus, Desired, Target};

use crate::{EngineError, Events, LogQuery, LogStream, Observed, Plan};

/// A place to run apps.
///
/// Behaviours that every engine has to show are the conformance suite of the testkit.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The engine's name for people, such as `kubernetes`.
    fn name(&self) -> &'static str;

    /// Reads what runs of an app in an environment. Nothing there is an empty observation, not an error.
    async fn observe(&self, target: &Target) -> Result<Observed, EngineError>;

    /// The difference between what is wanted and what was observed. Pure: no IO, no clock.
    fn plan(&self, desired: &Desired, observed: &Observed) -> Plan;

    /// Makes the plan so and watches until the fate of every appling is certain.
    ///
    /// Applings succeed or fail one by one; a failed one is taken back to its last good form, if the plan has one.
    /// An error is for what stops the deploy as a whole; the plan can then be applied again.
    /// Dropping the future stops watching and leaves what was applied.
    async fn apply(&self, plan: &Plan, events: &Events) -> Result<Vec<ApplingOutcome>, EngineError>;

    /// What runs now, appling by appling, in the order of their names.
    async fn status(&self, target: &Target) -> Result<Vec<ApplingStatus>, EngineError>;

    /// Log lines of an app's containers. With [`LogQuery::follow`] the stream takes up containers as they come and
    /// go, and ends only when it is dropped.
    async fn logs(&self, query: LogQuery) -> Result<LogStream, EngineError>;

    /// Removes all that runs of an app in an environment, its data included.
    async fn remove(&self, target: &Target) -> Result<(), EngineError>;
}
