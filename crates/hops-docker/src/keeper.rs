//! Keeps one appling as it was decided: a task that makes its containers so, decides when a new form is live or has
//! failed, switches the proxy, and lets the former containers finish.
//!
//! ```text
//! order ─▶ coming ─ minders, judge (pure) ─▶ live: written down, then the proxy's backends are switched, then told
//!                                        └─▶ failed(Finding) ─ prove ─▶ Cause; what served goes on serving
//! ```
//!
//! Keepers go on whether or not somebody waits for them. After a crash the ledger says what was on its way, and the
//! labels of containers which they are; what is neither serving nor coming is stopped.

mod judge;
mod leave;
mod mind;
mod minder;
mod next;
mod prove;
mod readiness;
mod recovery;
mod rollout;
mod seen;
mod status;
mod view;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use hops_engine::{EngineError, Events};
use hops_model::{
    ApplingName, ApplingOutcome, ApplingStatus, Cause, DesiredAppling, HostName, ReleaseNumber, Target,
};
use hops_proxy::{Backend, Balance, Draining, Upstream};
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot, watch},
    time::Instant,
};

use self::{
    leave::Leaving,
    minder::{Charge, Minder},
    recovery::Post,
    rollout::Coming,
    view::View,
};
use crate::{
    daemon::{DaemonEvent, Instance},
    hosts::Owner,
    ledger::{Entry, Held},
    site::Site,
};

/// A form to put into effect.
pub(crate) struct Order {
    /// The form.
    pub(crate) form: DesiredAppling,
    /// Whether the plan changes anything of it.
    pub(crate) is_changed: bool,
    /// Where it is told of.
    pub(crate) events: Events,
    /// When the roll-out began.
    pub(crate) begun: Instant,
    /// Takes what becomes of it.
    pub(crate) verdict: oneshot::Sender<Result<ApplingOutcome, EngineError>>,
}

enum Command {
    Adopt(Box<Order>),
    /// Nothing of it is wanted any more; answered when nothing is left.
    Retire(oneshot::Sender<Result<(), EngineError>>),
    #[cfg(test)]
    Fault,
}

/// The way to the task that keeps an appling. It ends when this is dropped; the containers stay.
pub(crate) struct Keeper {
    commands: mpsc::UnboundedSender<Command>,
    status: watch::Receiver<Option<ApplingStatus>>,
    settled: watch::Receiver<bool>,
}

impl Keeper {
    /// Begins to keep an appling. `found` are the containers that it has.
    pub(crate) fn begin(
        site: Arc<Site>,
        target: Target,
        name: ApplingName,
        entry: Entry,
        found: Vec<Instance>,
    ) -> Self {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (status, status_seen) = watch::channel(None);
        let (settled, settled_seen) = watch::channel(false);
        let upstream_name = format!("{}/{}/{name}", target.app, target.environment);
        let upstream = Upstream::with(&upstream_name, Balance::default(), site.drain);
        let post = Post { site, owner: (target, name), upstream, status, settled };
        tokio::spawn(keep(Keeping::new(post, entry, found), inbox));
        Self { commands, status: status_seen, settled: settled_seen }
    }

    /// Puts a form into effect. Gives what becomes of it; dropping that changes nothing.
    pub(crate) fn adopt(&self, order: Order) {
        // A keeper lives as long as this. Where the runtime ends, the verdict's sender is dropped with the order.
        let _ = self.commands.send(Command::Adopt(Box::new(order)));
    }

    /// Stops and forgets the appling; gives the way to wait until nothing is left of it.
    pub(crate) fn retire(&self) -> oneshot::Receiver<Result<(), EngineError>> {
        let (reply, done) = oneshot::channel();
        let _ = self.commands.send(Command::Retire(reply));
        done
    }

    /// Has the task panic.
    #[cfg(test)]
    fn fault(&self) {
        let _ = self.commands.send(Command::Fault);
    }

    /// What runs now; none where nothing is wanted.
    pub(crate) fn status(&self) -> Option<ApplingStatus> {
        self.status.borrow().clone()
    }

    /// Waits until each of its containers was asked once, or is known not to answer.
    pub(crate) async fn settled(&self) {
        let _ = self.settled.clone().wait_for(|settled| *settled).await;
    }
}

/// Tells the instances of an appling apart: the release in which they were made, and their number in it.
type Key = (ReleaseNumber, u16);

/// Before what failed by no fault of an app is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The task, which begins anew where HOPS itself fails in it: an appling that nobody keeps would take no new form, and
/// nobody would mend it.
async fn keep(mut keeping: Keeping, mut inbox: mpsc::UnboundedReceiver<Command>) {
    while AssertUnwindSafe(keeping.run(&mut inbox)).catch_unwind().await.is_err() {
        let (target, name) = &keeping.owner;
        tracing::error!(%target, appling = %name, "HOPS itself failed in keeping an appling; beginning anew");
        keeping.begin_anew().await;
    }
}

/// What the task knows.
struct Keeping {
    site: Arc<Site>,
    owner: Owner,
    upstream: Arc<Upstream>,
    bell: Arc<Notify>,
    serving: Option<Held>,
    coming: Option<Coming>,
    crew: BTreeMap<Key, Minder>,
    /// Containers that nobody knows of, where nothing serves: they may be all that is left, and stay until something does.
    strangers: Vec<Instance>,
    /// By name.
    leaving: BTreeMap<String, Leaving>,
    /// How many orders there were.
    orders: u64,
    /// What the proxy was told last.
    rotation: Vec<Backend>,
    /// Whether it goes on with that, as it knows nothing better yet.
    is_anew: bool,
    asking: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Who waits until nothing is left.
    retired: Vec<oneshot::Sender<Result<(), EngineError>>>,
    /// When to retire once more: it could not be written down, and nobody waits who would ask again.
    retire_at: Option<Instant>,
    status: watch::Sender<Option<ApplingStatus>>,
    settled: watch::Sender<bool>,
}

/// What comes of what was asked.
enum Answer {
    /// The words for a finding about the form on its way.
    Proved { of: u64, cause: Cause },
    /// The ports on which an instance of it listens.
    Listens { of: u64, ports: Vec<u16> },
    /// A container is gone.
    Gone { name: String },
}

impl Keeping {
    async fn run(&mut self, inbox: &mut mpsc::UnboundedReceiver<Command>) {
        let bell = Arc::clone(&self.bell);
        let mut events = self.site.happenings();
        loop {
            let wake = self.step().await;
            let sleep = async {
                match wake {
                    Some(wake) => tokio::time::sleep_until(wake).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Adopt(order)) => self.adopt(*order).await,
                    Some(Command::Retire(reply)) => self.retire(reply).await,
                    #[cfg(test)]
                    Some(Command::Fault) => panic!("a fault of HOPS"),
                    None => return,
                },
                () = bell.notified() => {}
                () = reconnected(&mut events) => {
                    // The time in which nothing could come forward does not count.
                    if let Some(coming) = &mut self.coming {
                        coming.patience.begin_anew(Instant::now());
                    }
                }
                Some(answer) = self.asking.next() => self.hear(answer).await,
                () = sleep => {}
            }
        }
    }

    /// Claims the hosts of a form on its way. They lead to its instances alone: what serves may be private, or belong to
    /// other hosts.
    fn claim(&self, hosts: &[HostName]) -> Option<Cause> {
        let upstream = match self.serving {
            Some(_) => Upstream::new(self.upstream.name()),
            None => Arc::clone(&self.upstream),
        };
        self.site.hosts.claim(&self.owner, hosts, &upstream)
    }

    /// Begins to mind an instance, unless it is minded already.
    fn mind(&mut self, key: Key, form: &DesiredAppling, found: Option<Instance>) {
        if self.crew.contains_key(&key) {
            return;
        }
        let (release, replica) = key;
        let charge = Charge {
            site: Arc::clone(&self.site),
            target: self.owner.0.clone(),
            form: DesiredAppling { release, ..form.clone() },
            replica,
            bell: Arc::clone(&self.bell),
        };
        let after = self.leaving.get(&charge.name()).map(Leaving::gone);
        self.crew.insert(key, Minder::begin(charge, found, after));
    }

    /// Looks at everything again; gives the time at which to look once more even if nothing happens.
    async fn step(&mut self) -> Option<Instant> {
        if self.retire_at.is_some_and(|at| at <= Instant::now()) {
            self.retire(oneshot::channel().0).await;
        }
        let wake = self.roll().await.into_iter().chain(self.retire_at).min();
        self.rotate();
        self.publish();
        wake
    }

    /// Tells the proxy and siblings who takes requests. Those that no longer do are drained.
    fn rotate(&mut self) -> Option<Draining> {
        self.is_anew &= !self.is_settled();
        if self.is_anew {
            return None;
        }
        // Where nothing was ever live, what comes is all there is.
        let held = self.serving.as_ref().or(self.coming.as_ref().map(|coming| &coming.held));
        let backends: Vec<Backend> = held
            .iter()
            .copied()
            .flat_map(keys)
            .filter_map(|key| {
                let seen = self.crew.get(&key)?.seen();
                let address = seen.address.filter(|_| seen.view.is_ready())?;
                Some(Backend { address, release: key.0.to_string() })
            })
            .collect();
        if backends == self.rotation {
            return None;
        }
        self.rotation.clone_from(&backends);
        let addresses = backends.iter().map(|backend| backend.address.ip()).collect();
        let draining = self.upstream.set(backends);
        let (target, name) = &self.owner;
        match held {
            Some(held) => self.site.siblings.name(target, &held.form, addresses),
            None => self.site.siblings.forget(target, name),
        }
        Some(draining)
    }

    /// What is known of the instances of a form.
    fn views(&self, held: &Held) -> Vec<View> {
        keys(held).filter_map(|key| Some(self.crew.get(&key)?.seen().view.clone())).collect()
    }

    async fn hear(&mut self, answer: Answer) {
        match answer {
            // Otherwise it was decided meanwhile.
            Answer::Proved { of, cause }
                if self.coming.as_ref().is_some_and(|coming| coming.number == of) =>
            {
                self.fail(cause).await;
            }
            Answer::Proved { .. } => {}
            Answer::Listens { of, ports } => {
                if let Some(coming) = self.coming.as_mut().filter(|coming| coming.number == of) {
                    coming.patience.hear(ports);
                }
            }
            Answer::Gone { name } => {
                self.leaving.remove(&name);
                if self.leaving.is_empty() {
                    for reply in self.retired.drain(..) {
                        let _ = reply.send(Ok(()));
                    }
                }
            }
        }
    }

    /// Nothing of it is wanted any more.
    async fn retire(&mut self, reply: oneshot::Sender<Result<(), EngineError>>) {
        let (target, name) = &self.owner;
        // First: what the ledger does not know is stopped after a crash, too.
        if let Err(error) = self.site.ledger.forget(target, name).await {
            tracing::error!(%target, appling = %name, %error, "what is not wanted any more cannot be forgotten");
            let is_heard = reply.send(Err(error)).is_ok();
            self.retire_at = (!is_heard).then(|| Instant::now() + PAUSE);
            return;
        }
        self.retire_at = None;
        self.cancel();
        self.serving = None;
        self.site.hosts.release(&self.owner);
        let drained = self.drained();
        self.let_go(|_| true, Some(drained)).await;
        self.dismiss_strangers();
        if self.leaving.is_empty() {
            let _ = reply.send(Ok(()));
        } else {
            self.retired.push(reply);
        }
    }
}

/// Waits until the daemon is there again after it was away.
async fn reconnected(events: &mut broadcast::Receiver<DaemonEvent>) {
    loop {
        match events.recv().await {
            Ok(DaemonEvent::Reconnected) => return,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The instances of a form.
fn keys(held: &Held) -> impl Iterator<Item = Key> + use<> {
    let Held { since, first, .. } = *held;
    (0..held.form.replicas).map(move |number| (since, first.saturating_add(number)))
}

#[cfg(test)]
mod tests;
