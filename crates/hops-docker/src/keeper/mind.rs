//! The task that minds one instance: it makes its containers, starts them in order, asks whether it takes requests, and
//! does so again whatever becomes of it.
//!
//! ```text
//! look ─▶ next (pure) ─▶ create │ start │ ask ─▶ something happens ─▶ look …
//! ```
//!
//! It decides nothing about roll-outs. What it sees is a [`Seen`], of which the keeper makes its decisions.

mod ask;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use self::ask::Asking;
use super::{
    minder::{Charge, GRACE},
    next::{Next, Worked, next},
    seen::{Seen, sidecar},
    view::{Exit, Stage, Trouble},
};
use crate::{
    daemon::{ContainerState, DaemonEvent, Instance, InstanceId},
    error::CreateError,
    labels::Role,
    network::Network,
};

/// Something that was not told of is found within this time.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Pauses between attempts to make or start what cannot be made or started.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The task.
pub(super) struct Mind {
    charge: Arc<Charge>,
    events: broadcast::Receiver<DaemonEvent>,
    seen: watch::Sender<Seen>,
    leaves: watch::Receiver<bool>,
    /// What is known to be there, before the first look.
    found: Option<Instance>,
    /// What was there at the last look.
    last: Option<Instance>,
    worked: Worked,
    asking: Option<Asking>,
    /// Restarts that the daemon does not count: those that HOPS did, and those from before.
    restarts: u32,
    /// Whether its process was there before, so that nothing is known of its start.
    was_found: bool,
    /// When to look even if nothing is told.
    look_at: Instant,
}

/// Why a wait is over.
enum Happening {
    /// One of its processes ended.
    Died(Exit),
    /// Something else; time to look.
    Other,
    /// It is to be let go.
    Leave,
}

impl Mind {
    /// A task that has not begun.
    pub(super) fn new(
        charge: Arc<Charge>,
        found: Option<Instance>,
        seen: watch::Sender<Seen>,
        leaves: watch::Receiver<bool>,
    ) -> Self {
        Self {
            events: charge.site.happenings(),
            charge,
            seen,
            leaves,
            was_found: found.is_some(),
            found,
            last: None,
            worked: Worked::new(),
            asking: None,
            restarts: 0,
            look_at: Instant::now(),
        }
    }

    /// Minds the instance until it is let go.
    pub(super) async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        let mut attempts = 0;
        while !self.is_over() {
            match self.turn().await {
                Ok(()) => {
                    pause = PAUSE_MIN;
                    // Looking alone is no success.
                    if matches!(self.seen.borrow().view.stage, Stage::Running | Stage::Ready) {
                        attempts = 0;
                    }
                }
                Err(error) => {
                    let trouble = trouble(&error, &mut attempts);
                    tracing::debug!(instance = %self.seen.borrow().id, error = %trouble.cause, "an instance is in trouble");
                    self.tell(|seen| {
                        seen.view.stage = Stage::Creating(Some(trouble));
                        seen.is_settled = true;
                    });
                    // A daemon that is there again is a reason to try at once.
                    let _ = tokio::time::timeout(pause, self.happens_and_is_told()).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Whether it is to be let go, or nobody is left to let go of it.
    fn is_over(&self) -> bool {
        *self.leaves.borrow() || self.leaves.has_changed().is_err()
    }

    /// One look, and what follows from it.
    async fn turn(&mut self) -> Result<(), CreateError> {
        self.look_at = Instant::now() + LOOK_AGAIN;
        let instance = match self.found.take() {
            Some(found) => Some(found),
            None => self.look().await?,
        };
        if let (Some(last), None) = (&self.last, &instance) {
            tracing::warn!(instance = %last.id, "a container is gone; making it anew");
        }
        self.last.clone_from(&instance);
        self.tell(|seen| seen.see(instance.as_ref(), self.restarts, self.charge.form.port.number()));
        let step = next(instance.as_ref(), &self.charge.form, &self.worked);
        let id = instance.as_ref().map(|instance| instance.id.clone());
        match (step, instance, id) {
            (Next::Create, ..) | (_, None, _) | (_, _, None) => self.create().await,
            (Next::Start(role), Some(instance), Some(id)) => {
                let was_there =
                    instance.container(&role).is_some_and(|it| it.state == ContainerState::Exited);
                if was_there {
                    tracing::info!(instance = %id, %role, "starting a container that had stopped");
                    self.count_restart();
                }
                self.tell(|seen| seen.view.stage = Stage::Starting(None));
                match self.charge.site.daemon.start(&id, &role).await {
                    // Its own fault or that of the sidecar whose network it shares: the next look says.
                    Err(_) if self.has_moved_on(&instance, &role).await => Ok(()),
                    result => result,
                }
            }
            (Next::Restart(role), _, Some(id)) => {
                tracing::info!(instance = %id, %role, "restarting a container whose network is gone");
                self.restart(&id, &role).await
            }
            (Next::AskSidecar(role), Some(instance), _) => {
                self.ask_sidecar(&instance, role).await;
                Ok(())
            }
            (Next::Wait(_), ..) => {
                self.tell(|seen| {
                    seen.view.stage = Stage::Exited;
                    seen.is_settled = true;
                });
                self.happens_and_is_told().await;
                Ok(())
            }
            (Next::Ask, Some(instance), Some(id)) => self.ask(&instance, &id).await,
        }
    }

    /// Whether a container that starts before this one has ended or was started again since.
    async fn has_moved_on(&mut self, before: &Instance, role: &Role) -> bool {
        let Ok(Some(now)) = self.look().await else { return false };
        let earlier = before.containers.iter().take_while(|container| container.role != *role);
        earlier.into_iter().any(|earlier| {
            now.container(&earlier.role)
                .is_none_or(|now| (now.state, now.started_at) != (earlier.state, earlier.started_at))
        })
    }

    async fn look(&mut self) -> Result<Option<Instance>, CreateError> {
        let id = self.seen.borrow().id.clone();
        match self.charge.site.daemon.instance(&self.charge.target, &id).await {
            // Containers go on while the daemon is away, and still take requests.
            Err(error) if error.is_transient() && self.last.is_some() => {
                tracing::debug!(instance = %id, %error, "Docker is away");
                Ok(self.last.clone())
            }
            result => Ok(result?),
        }
    }

    async fn create(&mut self) -> Result<(), CreateError> {
        let Charge { site, target, form, replica, .. } = &*self.charge;
        self.seen.send_modify(|seen| {
            if !matches!(seen.view.stage, Stage::Creating(_)) {
                seen.view.stage = Stage::Creating(None);
            }
        });
        let making = async {
            let network = site.daemon.ensure_network(target).await?;
            let network = Network { hosts: Some(site.siblings.file(target)?), ..network };
            site.daemon.create(&network, target, form, *replica, &site.secrets).await
        };
        let mut leaves = self.leaves.clone();
        tokio::select! {
            made = making => {
                let id = made?;
                self.tell(|seen| {
                    seen.view.name.clone_from(&id.name);
                    seen.id = id;
                });
                Ok(())
            }
            // An image may take its time.
            _ = leaves.wait_for(|leave| *leave) => Ok(()),
        }
    }

    async fn restart(&mut self, id: &InstanceId, role: &Role) -> Result<(), CreateError> {
        self.count_restart();
        self.tell(|seen| seen.view.stage = Stage::Starting(None));
        let result = self.charge.site.daemon.restart(id, role, GRACE).await;
        // Its end was of our own making, and is no news.
        self.events = self.events.resubscribe();
        result
    }

    /// The daemon begins to count anew when it is told to start something.
    fn count_restart(&mut self) {
        self.restarts = self.seen.borrow().view.restarts + 1;
    }

    /// Waits until something happens, and takes note of how a process ended. Whether the instance stands still since, the
    /// next look says: an end may be told of late, when its process has long been started again and is counted as such.
    async fn happens_and_is_told(&mut self) {
        if let Happening::Died(exit) = self.happens().await {
            self.tell(|seen| {
                seen.view.exit = Some(exit);
                seen.view.told = None;
                seen.is_settled = true;
            });
        }
    }

    /// Waits until something happens to the instance. Nothing is lost if this is dropped.
    async fn happens(&mut self) -> Happening {
        let name = self.seen.borrow().id.name.clone();
        loop {
            let event = tokio::select! {
                _ = self.leaves.wait_for(|leave| *leave) => return Happening::Leave,
                event = tokio::time::timeout_at(self.look_at, self.events.recv()) => event,
            };
            match event {
                Ok(Ok(DaemonEvent::Died { subject, code, is_out_of_memory })) if subject.instance == name => {
                    let sidecar = sidecar(&subject.role);
                    return Happening::Died(Exit { sidecar, code, is_out_of_memory });
                }
                Ok(Ok(DaemonEvent::Started(subject) | DaemonEvent::Removed(subject)))
                    if subject.instance == name =>
                {
                    return Happening::Other;
                }
                // Of another instance.
                Ok(Ok(DaemonEvent::Died { .. } | DaemonEvent::Started(_) | DaemonEvent::Removed(_))) => {}
                // Too many at once, the daemon was away, or nothing for a while.
                Ok(Ok(DaemonEvent::Reconnected) | Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => {
                    return Happening::Other;
                }
                Ok(Err(broadcast::error::RecvError::Closed)) => return Happening::Leave,
            }
        }
    }

    fn tell(&self, change: impl FnOnce(&mut Seen)) {
        let is_new = self.seen.send_if_modified(|seen| {
            let before = seen.clone();
            change(seen);
            *seen != before
        });
        if is_new {
            self.charge.bell.notify_one();
        }
    }
}

fn trouble(error: &CreateError, attempts: &mut u32) -> Trouble {
    match error {
        CreateError::Cause(cause) => {
            Trouble { cause: (**cause).clone(), is_certain: true, attempts: *attempts }
        }
        CreateError::Engine(error) => {
            // A daemon that is away is waited for, like anything else that takes its time.
            *attempts += u32::from(!error.is_transient());
            Trouble { cause: error.into(), is_certain: false, attempts: *attempts }
        }
    }
}
