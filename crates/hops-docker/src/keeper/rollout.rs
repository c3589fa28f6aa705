//! From an order to its verdict.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use hops_engine::{EngineError, Next, Patience, Standing};
use hops_model::{ApplingOutcome, ApplingResult, Cause, CauseCode, Event};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Answer, Keeping, Key, Order, PAUSE,
    judge::{Finding, judge, overdue},
    keys,
    minder::Minder,
    prove::{self, Subject},
    view::Stage,
};
use crate::{form::share_containers, ledger::Held};

/// How long what cannot be written down is tried before whoever waits is told that it failed. It is tried on and on all the same.
const WRITTEN_WITHIN: Duration = Duration::from_mins(1);

/// What a roll-out gets at least that goes on after HOPS was away: nothing is known of how it fared meanwhile.
const RESUMED_WITHIN: Duration = Duration::from_secs(30);

/// Goes on to wait for what began then: a HOPS that is started again and again does not wait anew each time.
pub(super) fn resumed(began_at: Option<Timestamp>, deadline: Duration) -> Patience {
    let ago =
        began_at.map_or(Duration::ZERO, |began_at| Timestamp::now().duration_since(began_at).unsigned_abs());
    Patience::begun(Instant::now(), ago.min(deadline.saturating_sub(RESUMED_WITHIN)))
}

/// A form on its way.
pub(super) struct Coming {
    pub(super) held: Held,
    /// Who waits for it; nobody after a crash, or once it has failed.
    order: Option<Order>,
    pub(super) patience: Patience,
    /// Tells answers about it from those about an earlier one.
    pub(super) number: u64,
    state: State,
    /// Since when it is ready, and cannot be written down as what serves.
    unwritten_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Rolling,
    /// It failed; the words for it are looked for.
    Proving,
    /// It failed, and stays because there is nothing else: it may yet heal.
    GivenUp,
}

impl Coming {
    pub(super) fn new(held: Held, order: Option<Order>, number: u64, patience: Patience) -> Self {
        Self { held, order, patience, number, state: State::Rolling, unwritten_since: None }
    }

    /// Whether it is on its way for nobody: HOPS was started anew, or whoever waited for it tries again.
    fn is_orphan(&self) -> bool {
        self.state == State::Rolling && self.order.as_ref().is_none_or(|order| order.verdict.is_closed())
    }
}

impl Keeping {
    /// Takes an order.
    pub(super) async fn adopt(&mut self, order: Order) {
        let form = &order.form;
        let same = self.serving.as_ref().filter(|serving| serving.form.same_as(form));
        let on_its_way = self.coming.as_ref().map(|coming| &coming.held);
        let shared = self.serving.iter().chain(on_its_way).find(|held| share_containers(&held.form, form));
        let held = match (same, shared) {
            (Some(same), _) => same.clone(),
            (None, Some(shared)) => Held { form: form.clone(), ..*shared },
            (None, None) => Held::beside(form.clone(), self.serving.as_ref()),
        };
        let coming = (Some(&held) != self.serving.as_ref()).then(|| held.clone());
        let (target, name) = &self.owner;
        // Another app may have got it in this moment.
        if let Some(cause) = self.claim(&held.form.routes) {
            self.refuse(order, cause);
            return;
        }
        if let Err(error) = self.site.ledger.update(target, name, |entry| entry.coming = coming).await {
            let _ = order.verdict.send(Err(error));
            return;
        }
        self.retire_at = None;
        let now = Instant::now();
        let orphan = self.coming.take_if(|coming| coming.held == held && coming.is_orphan());
        // It has been waited for already.
        let patience = orphan.map_or_else(|| Patience::new(now), |orphan| orphan.patience);
        self.cancel();
        let routed = self.serving.iter().chain([&held]).flat_map(|held| &held.form.routes);
        self.site.hosts.keep(&self.owner, &routed.cloned().collect::<Vec<_>>());
        let wanted: Vec<Key> = self.serving.iter().chain([&held]).flat_map(keys).collect();
        self.let_go(|key| !wanted.contains(key), None).await;
        for key in keys(&held) {
            // What stood in its way may be gone: it is tried again at once.
            let in_trouble = |minder: &Minder| matches!(minder.seen().view.stage, Stage::Creating(Some(_)));
            if self.crew.get(&key).is_some_and(in_trouble)
                && let Some(minder) = self.crew.remove(&key)
            {
                minder.leave().await;
            }
            self.mind(key, &held.form, None);
        }
        self.orders += 1;
        self.coming = Some(Coming::new(held, Some(order), self.orders, patience));
    }

    /// Gives up what is on its way, for something newer.
    pub(super) fn cancel(&mut self) {
        let Some(Coming { order: Some(order), .. }) = self.coming.take() else { return };
        // Whoever gave it tries again, and is not told of itself as of another.
        if order.verdict.is_closed() {
            return;
        }
        let cause = Cause::new(
            CauseCode::Cancelled,
            "a newer deploy took its place",
            "see what became of that one; deploy again if this one is wanted",
        );
        self.refuse(order, cause);
    }

    /// Ends an order whose form was never decided about.
    fn refuse(&self, order: Order, cause: Cause) {
        order.events.send(Event::Failed { appling: order.form.name.clone(), cause: cause.clone() });
        let outcome = outcome(self, &order, ApplingResult::Failed);
        let _ = order.verdict.send(Ok(ApplingOutcome { cause: Some(cause), ..outcome }));
    }

    /// Looks at what is on its way; gives the time at which to look once more even if nothing happens.
    pub(super) async fn roll(&mut self) -> Option<Instant> {
        let views = self.views(&self.coming.as_ref()?.held);
        let now = Instant::now();
        let coming = self.coming.as_mut()?;
        match (judge(&views), coming.state) {
            (Standing::Live, State::Rolling | State::GivenUp) => self.go_live().await,
            (_, State::Proving | State::GivenUp) => None,
            (Standing::Failed(finding), State::Rolling) => {
                self.prove(finding, now);
                None
            }
            (Standing::Rolling { ready, message, doubt }, State::Rolling) => {
                let (deadlines, overdue) = (self.site.settings.deadlines(), |_| overdue(&views));
                match coming.patience.wait(now, deadlines, ready, message, doubt, overdue) {
                    Next::GiveUp(finding) => {
                        self.prove(finding, now);
                        None
                    }
                    Next::Wait { until, tell, look_at } => {
                        // An appling that the plan leaves alone has no roll-out to tell of.
                        if let (Some((ready, message)), Some(order)) =
                            (tell, coming.order.as_ref().filter(|order| order.is_changed))
                        {
                            let (appling, wanted) =
                                (self.owner.1.clone(), u32::from(coming.held.form.replicas));
                            order.events.send(Event::Rollout { appling, ready, wanted, message });
                        }
                        if let Some(instance) = look_at {
                            self.look_for_ports(instance);
                        }
                        Some(until)
                    }
                }
            }
        }
    }

    /// Every instance takes requests: it is written down as what serves, then the proxy is switched, then the former
    /// containers go. Gives the time at which to try again where it cannot be written: without that, a restart would bring
    /// the former form back, of which nothing is left.
    async fn go_live(&mut self) -> Option<Instant> {
        let held = self.coming.as_ref()?.held.clone();
        let (target, name) = &self.owner;
        let kept = self.site.settings.kept_releases.max(1);
        let written = self.site.ledger.update(target, name, |entry| {
            entry.images.retain(|image| *image != held.form.image);
            entry.images.insert(0, held.form.image.clone());
            entry.images.truncate(kept);
            entry.serving = Some(held.clone());
            entry.coming = None;
        });
        if let Err(error) = written.await {
            return self.wait_for_the_ledger(error);
        }
        let Coming { order, .. } = self.coming.take()?;
        self.serving = Some(held.clone());
        let drained = self.drained();
        self.site.hosts.take(&self.owner, &held.form.routes, &self.upstream);
        // Whoever is told asks next what runs.
        self.publish();
        if let Some(order) = order {
            let is_changed = order.is_changed;
            let result = if is_changed { ApplingResult::Live } else { ApplingResult::Unchanged };
            let outcome = outcome(self, &order, result);
            if let (true, Some(duration_ms)) = (is_changed, outcome.duration_ms) {
                let (appling, url) = (outcome.name.clone(), outcome.url.clone());
                order.events.send(Event::Live { appling, url, duration_ms });
            }
            let _ = order.verdict.send(Ok(outcome));
        }
        let wanted: Vec<Key> = keys(&held).collect();
        self.let_go(|key| !wanted.contains(key), Some(drained)).await;
        self.dismiss_strangers();
        None
    }

    /// What is ready cannot take over yet: tells why, once. Gives the time at which to try again.
    fn wait_for_the_ledger(&mut self, error: EngineError) -> Option<Instant> {
        let now = Instant::now();
        let coming = self.coming.as_mut()?;
        let is_first = coming.unwritten_since.is_none();
        let since = *coming.unwritten_since.get_or_insert(now);
        tracing::error!(appling = %self.owner.1, error = &error as &dyn std::error::Error,
            "what is ready cannot be written down, and does not serve yet; trying again");
        if now - since >= WRITTEN_WITHIN {
            if let Some(order) = coming.order.take() {
                let _ = order.verdict.send(Err(error));
            }
        } else if let Some(order) = coming.order.as_ref().filter(|_| is_first) {
            let message = format!("{} is ready, but {error}; trying again", self.owner.1);
            order.events.send(Event::Warning { message });
        }
        Some(now + PAUSE)
    }

    /// It failed, and that is told; what served before goes on serving.
    pub(super) async fn fail(&mut self, cause: Cause) {
        let Some(mut coming) = self.coming.take() else { return };
        let order = coming.order.take();
        let (target, name) = self.owner.clone();
        if let Some(order) = &order {
            order.events.send(Event::Failed { appling: name.clone(), cause: cause.clone() });
        } else {
            tracing::warn!(%target, appling = %name, %cause, "what was on its way has failed");
        }
        let mut restored = None;
        let mut written = Ok(());
        match self.serving.clone() {
            // What was made stays: its logs can be read, its restarts are slowed down by Docker to one a minute, and it
            // heals by itself if the fault was outside, such as a Secret that is made later.
            None => self.coming = Some(Coming { state: State::GivenUp, ..coming }),
            Some(serving) => {
                written = self.site.ledger.update(&target, &name, |entry| entry.coming = None).await;
                let wanted: Vec<Key> = keys(&serving).collect();
                self.let_go(|key| !wanted.contains(key), None).await;
                self.site.hosts.keep(&self.owner, &serving.form.routes);
                if !serving.form.same_as(&coming.held.form) {
                    restored = Some(serving.form.release);
                }
            }
        }
        self.publish();
        let Some(order) = order else { return };
        if let Some(release) = restored {
            order.events.send(Event::Restored { appling: name, release });
        }
        let outcome = outcome(self, &order, ApplingResult::Failed);
        let outcome = ApplingOutcome { cause: Some(cause), restored, ..outcome };
        let _ = order.verdict.send(written.map(|()| outcome));
    }

    /// Looks for the words for a finding.
    fn prove(&mut self, finding: Finding, now: Instant) {
        let Some(coming) = &mut self.coming else { return };
        coming.state = State::Proving;
        let waited = coming.patience.waited(now);
        let instance = match &finding {
            Finding::Exited { instance, .. }
            | Finding::OutOfMemory { instance, .. }
            | Finding::NotReady { instance, .. } => Some(instance.clone()),
            Finding::Known(_) | Finding::TimedOut { .. } => None,
        };
        self.ask(instance, move |subject, of| {
            async move { Answer::Proved { of, cause: prove::prove(&subject, finding, waited).await } }.boxed()
        });
    }

    /// Looks on which other ports an instance listens.
    fn look_for_ports(&self, instance: String) {
        self.ask(Some(instance), |subject, of| {
            async move { Answer::Listens { of, ports: prove::other_ports(&subject).await } }.boxed()
        });
    }

    /// Asks something about what is on its way, while everything else goes on.
    fn ask(
        &self,
        instance: Option<String>,
        question: impl FnOnce(Subject, u64) -> BoxFuture<'static, Answer>,
    ) {
        let Some(coming) = &self.coming else { return };
        let mut seen = self.crew.values().map(|minder| minder.seen().id.clone());
        let id = instance.and_then(|name| seen.find(|id| id.name == name));
        let (site, target) = (Arc::clone(&self.site), self.owner.0.clone());
        let form = coming.held.form.clone();
        self.asking.push(question(Subject { site, target, form, id }, coming.number));
    }
}

fn outcome(keeping: &Keeping, order: &Order, result: ApplingResult) -> ApplingOutcome {
    let url = order.form.routes.first().map(|host| keeping.site.settings.url(host.as_str()));
    let duration_ms = u64::try_from(order.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    ApplingOutcome {
        name: order.form.name.clone(),
        result,
        url,
        duration_ms: (result != ApplingResult::Unchanged).then_some(duration_ms),
        cause: None,
        restored: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_has_what_is_left_of_its_time_but_half_a_minute_at_least() {
        let waited = |ago: Duration| {
            let resumed = resumed(Some(Timestamp::now() - ago), Duration::from_mins(3));
            resumed.waited(Instant::now()).as_secs()
        };
        assert_eq!([waited(Duration::from_secs(5)), waited(Duration::from_mins(10))], [5, 150]);
        assert_eq!(resumed(None, Duration::from_mins(3)).waited(Instant::now()).as_secs(), 0);
    }
}
