//! Follows every appling of a plan to its end. A failed one is taken back to its last good form; the others go on.

use std::{mem, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use hops_engine::{ApplingPlan, EngineError, Events, Next, Patience, Standing, Step};
use hops_model::{ApplingOutcome, ApplingResult, Cause, Event, Target};
use tokio::time::Instant;

use super::{
    judge::{Finding, judge},
    prove::{Subject, other_listeners, prove},
    route::{self, NewRoutes},
    watch::Watch,
};
use crate::{Settings, apply::Applier, error::Cluster};

/// How often going back is tried, and how long after the API server could not be reached: for half a minute in all.
const RESTORE_ATTEMPTS: u32 = 16;
const RESTORE_PAUSE: Duration = Duration::from_secs(2);

/// An appling to follow.
pub(crate) struct Watched<'a> {
    /// What is looked at.
    pub(crate) subject: Subject,
    /// As planned.
    pub(crate) plan: &'a ApplingPlan,
    /// The Deployment's generation once the plan was applied.
    pub(crate) generation: i64,
    /// Whether the plan changed anything of it.
    pub(crate) is_changed: bool,
    /// What is applied once its containers are ready.
    pub(crate) opening: Vec<&'a Step>,
    /// Hosts for which it is not live before they are routed.
    pub(crate) new_routes: Option<NewRoutes>,
    /// Whether the API server refused it already.
    pub(crate) refused: Option<Cause>,
}

enum Phase {
    Rolling(Patience),
    /// It is ready, and made reachable; the ingress has to take notice of its new hosts.
    Opening,
    /// The cause is being proved, and the last good form applied.
    Failing,
    Restoring {
        generation: i64,
        until: Instant,
        outcome: ApplingOutcome,
    },
    Over(ApplingOutcome),
}

/// What comes of what was asked of the cluster for an appling.
enum Answer {
    /// It failed, and its last good form was applied: the generation to wait for.
    Reverted { outcome: ApplingOutcome, generation: Option<i64> },
    /// It is reachable, as far as can be waited for; or the cause for which the API server refuses that.
    Opened(Result<Option<Cause>, EngineError>),
    /// The ports on which its pod listens.
    Listens(Vec<u16>),
}

struct Follower<'a> {
    cluster: &'a Cluster,
    settings: &'a Settings,
    target: &'a Target,
    applier: &'a Applier<'a>,
    events: &'a Events,
    begun: Instant,
    watched: Vec<Watched<'a>>,
    phases: Vec<Phase>,
    asking: FuturesUnordered<BoxFuture<'a, (usize, Answer)>>,
}

/// Watches until the fate of every appling is certain. The outcomes are in the order of `watched`.
pub(crate) async fn follow<'a>(
    cluster: &'a Cluster,
    settings: &'a Settings,
    target: &'a Target,
    applier: &'a Applier<'a>,
    watched: Vec<Watched<'a>>,
    events: &'a Events,
    begun: Instant,
) -> Result<Vec<ApplingOutcome>, EngineError> {
    let now = Instant::now();
    let rolling = |_: &Watched<'_>| Phase::Rolling(Patience::new(now));
    let phases = watched.iter().map(rolling).collect();
    let asking = FuturesUnordered::new();
    let mut follower =
        Follower { cluster, settings, target, applier, events, begun, watched, phases, asking };
    let mut watch = Watch::begin(cluster, target);
    follower.fail_what_was_refused();
    loop {
        let mut wake = None;
        if watch.is_complete() {
            for index in 0..follower.watched.len() {
                wake = earliest(wake, follower.step(index, &watch));
            }
        }
        if follower.phases.iter().all(|phase| matches!(phase, Phase::Over(_))) {
            break;
        }
        tokio::select! {
            change = watch.next() => change?,
            Some((index, answer)) = follower.asking.next() => follower.hear(index, answer)?,
            () = sleep_until(wake) => {}
        }
    }
    Ok(follower
        .phases
        .into_iter()
        .filter_map(|phase| if let Phase::Over(outcome) = phase { Some(outcome) } else { None })
        .collect())
}

impl<'a> Follower<'a> {
    /// Looks at one appling again; gives the time at which to look once more even if nothing happens.
    fn step(&mut self, index: usize, watch: &Watch) -> Option<Instant> {
        let now = Instant::now();
        let watched = &self.watched[index];
        let deployment = &watched.subject.deployment;
        match &mut self.phases[index] {
            Phase::Opening | Phase::Failing | Phase::Over(_) => None,
            Phase::Restoring { generation, until, outcome } => {
                if judge(&watch.view, deployment, *generation) == Standing::Live {
                    let mut outcome = outcome.clone();
                    outcome.restored = watched.plan.last_good;
                    if let Some(release) = outcome.restored {
                        let appling = outcome.name.clone();
                        self.events.send(Event::Restored { appling, release });
                    }
                    self.phases[index] = Phase::Over(outcome);
                    return None;
                }
                // A failure counts for nothing here: Kubernetes takes back that the deadline has passed only when the
                // former pods are all there is.
                if now >= *until {
                    let outcome = outcome.clone();
                    self.phases[index] = Phase::Over(outcome);
                    return None;
                }
                Some(*until)
            }
            Phase::Rolling(patience) => match judge(&watch.view, deployment, watched.generation) {
                Standing::Live => {
                    self.ready(index);
                    None
                }
                Standing::Failed(finding) => {
                    let waited = patience.waited(now);
                    // By Kubernetes' own clock, which goes on while HOPS is started anew.
                    let waited = match finding {
                        Finding::NotReady { .. } | Finding::TimedOut { .. } => {
                            waited.max(self.settings.progress_deadline)
                        }
                        _ => waited,
                    };
                    self.fail(index, finding, waited);
                    None
                }
                Standing::Rolling { ready, message, doubt } => {
                    let overdue = |message| Finding::TimedOut { message };
                    match patience.wait(now, self.settings.deadlines(), ready, message, doubt, overdue) {
                        Next::GiveUp(finding) => {
                            let waited = patience.waited(now);
                            self.fail(index, finding, waited);
                            None
                        }
                        Next::Wait { until, tell, look_at } => {
                            // An appling that the plan leaves alone has no roll-out to tell of.
                            if let Some((ready, message)) = tell.filter(|_| watched.is_changed) {
                                let (appling, wanted) =
                                    (watched.subject.appling.clone(), watched.subject.wanted);
                                self.events.send(Event::Rollout { appling, ready, wanted, message });
                            }
                            let look = |pod| look(self.cluster, self.target, index, &watched.subject, pod);
                            self.asking.extend(look_at.map(look));
                            Some(until)
                        }
                    }
                }
            },
        }
    }

    /// Its containers are as wanted: live, once its routes lead there.
    fn ready(&mut self, index: usize) {
        let watched = &mut self.watched[index];
        let (opening, routes) = (mem::take(&mut watched.opening), watched.new_routes.take());
        if opening.is_empty() && routes.is_none() {
            return self.live(index);
        }
        let subject = watched.subject.clone();
        let Self { cluster, settings, target, applier, events, .. } = *self;
        self.phases[index] = Phase::Opening;
        self.asking.push(
            async move {
                let opened = applier.open(&opening).await;
                if let (Ok(None), Some(routes)) = (&opened, &routes) {
                    route::wait(cluster, settings, target, &subject, routes, events).await;
                }
                (index, Answer::Opened(opened))
            }
            .boxed(),
        );
    }

    fn live(&mut self, index: usize) {
        let watched = &self.watched[index];
        let subject = &watched.subject;
        let duration_ms = elapsed_ms(self.begun);
        let (result, duration_ms) = if watched.is_changed {
            let (appling, url) = (subject.appling.clone(), subject.url.clone());
            self.events.send(Event::Live { appling, url, duration_ms });
            (ApplingResult::Live, Some(duration_ms))
        } else {
            (ApplingResult::Unchanged, None)
        };
        self.phases[index] = Phase::Over(ApplingOutcome {
            name: subject.appling.clone(),
            result,
            url: subject.url.clone(),
            duration_ms,
            cause: None,
            restored: None,
        });
    }

    fn fail(&mut self, index: usize, finding: Finding, waited: Duration) {
        let subject = self.watched[index].subject.clone();
        let (cluster, target) = (self.cluster, self.target);
        let proof = async move { prove(cluster, target, &subject, finding, waited).await }.boxed();
        self.revert(index, proof);
    }

    fn fail_what_was_refused(&mut self) {
        for index in 0..self.watched.len() {
            if let Some(cause) = self.watched[index].refused.take() {
                self.revert(index, std::future::ready(cause).boxed());
            }
        }
    }

    /// Tells of the failure and applies the last good form.
    ///
    /// Where there is none, what was made stays: its logs can be read, its restarts are slowed down by Kubernetes to one
    /// in five minutes, and it heals by itself if the fault was outside, such as a Secret that is made later.
    fn revert(&mut self, index: usize, cause: BoxFuture<'a, Cause>) {
        self.phases[index] = Phase::Failing;
        let Watched { subject, plan, .. } = &self.watched[index];
        let (subject, plan) = (subject.clone(), *plan);
        let (events, applier, begun) = (self.events, self.applier, self.begun);
        self.asking.push(
            async move {
                let cause = cause.await;
                let appling = subject.appling.clone();
                events.send(Event::Failed { appling: appling.clone(), cause: cause.clone() });
                let outcome = ApplingOutcome {
                    name: appling,
                    result: ApplingResult::Failed,
                    url: subject.url.clone(),
                    duration_ms: Some(elapsed_ms(begun)),
                    cause: Some(cause),
                    restored: None,
                };
                let mut attempts = 1;
                let generation = loop {
                    match applier.restore(plan).await {
                        Ok(generation) => break generation,
                        // Half of it may be done: the failed form would stay.
                        Err(error) if error.is_transient() && attempts < RESTORE_ATTEMPTS => attempts += 1,
                        Err(error) => {
                            tracing::warn!(appling = %subject.appling, %error, "cannot go back to the last good form");
                            break None;
                        }
                    }
                    sleep_until(Some(Instant::now() + RESTORE_PAUSE)).await;
                };
                (index, Answer::Reverted { outcome, generation })
            }
            .boxed(),
        );
    }

    fn hear(&mut self, index: usize, answer: Answer) -> Result<(), EngineError> {
        match (answer, &mut self.phases[index]) {
            (Answer::Reverted { outcome, generation: None }, phase) => *phase = Phase::Over(outcome),
            (Answer::Reverted { outcome, generation: Some(generation) }, phase) => {
                let until = Instant::now() + self.settings.progress_deadline;
                *phase = Phase::Restoring { generation, until, outcome };
            }
            (Answer::Opened(opened), _) => match opened? {
                None => self.live(index),
                Some(cause) => self.revert(index, std::future::ready(cause).boxed()),
            },
            (Answer::Listens(ports), Phase::Rolling(patience)) => patience.hear(ports),
            // Decided meanwhile.
            (Answer::Listens(_), _) => {}
        }
        Ok(())
    }
}

/// Looks on which other ports an app listens.
fn look<'a>(
    cluster: &'a Cluster,
    target: &'a Target,
    index: usize,
    subject: &Subject,
    pod: String,
) -> BoxFuture<'a, (usize, Answer)> {
    let subject = subject.clone();
    async move { (index, Answer::Listens(other_listeners(cluster, target, &subject, &pod).await.0)) }.boxed()
}

/// Milliseconds since then.
fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
