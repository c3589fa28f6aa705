//! Makes a plan so.

use futures::future;
use hops_engine::{Action, EngineError, Events, Plan, Step};
use hops_model::{ApplingName, ApplingOutcome, ApplingResult, Cause, DesiredAppling, Event};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    engine::Inner,
    error::ENGINE,
    keeper::Order,
    plan::{APPLING, form_of},
    room,
};

/// Gives every appling to its keeper and waits for what becomes of it.
///
/// Dropping this stops the wait alone: keepers go on. Only what is no longer wanted is then left for the plan's next
/// application.
pub(crate) async fn apply(
    inner: &Inner,
    plan: &Plan,
    events: &Events,
) -> Result<Vec<ApplingOutcome>, EngineError> {
    let begun = Instant::now();
    inner.site.daemon.ensure_network(&plan.target).await?;
    let replaces = plan.applings.iter().any(|appling| appling.restarts);
    let full = if replaces { inner.site.daemon.full_disk().await } else { None };
    let mut verdicts = Vec::with_capacity(plan.applings.len());
    for appling in &plan.applings {
        let step = plan.steps.iter().find(|step| is_of(step, &appling.name));
        let (step, form) = step
            .and_then(|step| Some((step, form_of(&step.body)?)))
            .ok_or_else(|| unreadable(&appling.name))?;
        let is_full = || full.clone().filter(|_| appling.restarts);
        let is_taken = || inner.site.hosts.taken(&plan.target, &form.routes);
        let refusal = room::too_large(&form, inner.site.daemon.machine()).or_else(is_full).or_else(is_taken);
        if let Some(cause) = refusal {
            verdicts.push(Verdict::Refused(Box::new(refused(inner, &form, cause, events))));
            continue;
        }
        let (verdict, decided) = oneshot::channel();
        let is_changed = step.action != Action::Keep;
        let order = Order { form, is_changed, events: events.clone(), begun, verdict };
        inner.keeper(&plan.target, &appling.name).await?.adopt(order);
        verdicts.push(Verdict::Awaited(decided));
    }
    let outcomes = future::try_join_all(verdicts.into_iter().map(Verdict::outcome)).await?;
    // As long as something new does not work, what was to go may be what still serves. The next good deploy removes it.
    if outcomes.iter().all(|outcome| outcome.result != ApplingResult::Failed) {
        for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
            if let Some(name) = &step.appling {
                // Not waited for: it finishes its requests first.
                drop(inner.keeper(&plan.target, name).await?.retire());
            }
        }
        inner.prune(&plan.target.app);
    }
    Ok(outcomes)
}

enum Verdict {
    Refused(Box<ApplingOutcome>),
    Awaited(oneshot::Receiver<Result<ApplingOutcome, EngineError>>),
}

impl Verdict {
    async fn outcome(self) -> Result<ApplingOutcome, EngineError> {
        match self {
            Self::Refused(outcome) => Ok(*outcome),
            Self::Awaited(decided) => decided.await.unwrap_or_else(|_| {
                let action = "go on with the roll-out".to_owned();
                let source = "HOPS is shutting down, or failed itself; its log tells".into();
                Err(EngineError::Failed { engine: ENGINE, action, source })
            }),
        }
    }
}

/// Refused before anything changed, so that what ran still does.
fn refused(inner: &Inner, form: &DesiredAppling, cause: Cause, events: &Events) -> ApplingOutcome {
    events.send(Event::Failed { appling: form.name.clone(), cause: cause.clone() });
    let url = form.routes.first().map(|host| inner.site.settings.url(host.as_str()));
    ApplingOutcome { url, ..ApplingOutcome::failed(form.name.clone(), cause) }
}

fn is_of(step: &Step, appling: &ApplingName) -> bool {
    step.object.kind == APPLING && step.action != Action::Delete && step.appling.as_ref() == Some(appling)
}

fn unreadable(appling: &ApplingName) -> EngineError {
    EngineError::Failed {
        engine: ENGINE,
        action: format!("apply the plan for {appling}"),
        source: "the plan has no form for it that this version of HOPS can read; deploy again".into(),
    }
}
