//! The roll-out stage: the release is planned, the plan written down and applied.

use backon::{ExponentialBuilder, Retryable};
use hops_engine::{EngineError, Events, Plan};
use hops_model::{ApplingOutcome, Cause, CauseCode, Event, Outcome, Release};
use hops_store::Effect;

use super::{End, Job, Stop};

impl Job {
    /// Puts a release into effect.
    pub(super) async fn roll_out(
        &self,
        release: &Release,
        events: &Events,
    ) -> Result<Vec<ApplingOutcome>, Stop> {
        let stop = |error: &EngineError, effect: Effect| {
            let outcome =
                Outcome { release: Some(release.number), applings: Vec::new(), cause: Some(error.into()) };
            Stop::End(End { outcome, effect })
        };
        let plan = if let Some(plan) = self.written_plan().await? {
            plan
        } else {
            let planned = self.retrying(events, || self.planned(release)).await;
            let plan = planned.map_err(|error| stop(&error, Effect::Nothing))?;
            let text = serde_json::to_value(&plan).expect("a plan is made of strings and numbers");
            self.parts.store.save_plan(self.deploy.id, &text).await?;
            plan
        };
        let applied = self.retrying(events, || self.parts.engine.apply(&plan, events)).await;
        applied.map_err(|error| stop(&error, Effect::Unknown))
    }

    async fn written_plan(&self) -> Result<Option<Plan>, Stop> {
        let Some(text) = self.parts.store.plan(self.deploy.id).await? else { return Ok(None) };
        let unreadable = |error: serde_json::Error| {
            let message = "the plan that a former version of HOPS wrote cannot be read";
            let cause = Cause::new(CauseCode::Internal, message, "deploy again");
            Stop::Broken(cause.with_proof(error.to_string()))
        };
        Ok(Some(serde_json::from_value(text).map_err(unreadable)?))
    }

    async fn planned(&self, release: &Release) -> Result<Plan, EngineError> {
        let observed = self.parts.engine.observe(&release.target).await?;
        Ok(self.parts.engine.plan(&release.desired, &observed))
    }

    /// Tries again while the engine is away: planning changes nothing, and applying a plan twice is applying it once.
    async fn retrying<T, F: Future<Output = Result<T, EngineError>>>(
        &self,
        events: &Events,
        what: impl FnMut() -> F,
    ) -> Result<T, EngineError> {
        let patience = self.parts.patience;
        let delays = ExponentialBuilder::new()
            .with_min_delay(patience / 60)
            .with_max_delay(patience / 4)
            .with_total_delay(Some(patience))
            .without_max_times();
        what.retry(delays)
            .when(EngineError::is_transient)
            .notify(|error, delay| {
                let message = format!("{error}; trying again in {:.0} s", delay.as_secs_f64());
                events.send(Event::Warning { message });
            })
            .await
    }
}
