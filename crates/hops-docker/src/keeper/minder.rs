//! Minds one instance: makes its containers, starts them in order, asks whether it takes requests, and does so again
//! whatever becomes of it, until it is told to let go.
//!
//! ```text
//! look ─▶ next (pure) ─▶ create │ start │ ask ─▶ something happens ─▶ look …
//! ```
//!
//! It decides nothing about roll-outs. What it sees is a [`Seen`], of which the keeper makes its decisions.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use hops_model::{ApplingName, DesiredAppling, ReleaseNumber, Target};
use jiff::Timestamp;
use tokio::{
    sync::{Notify, broadcast, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    next::{Next, Worked, next},
    readiness::{Liveness, Readiness},
    view::{Asked, Exit, Stage, Told, Trouble, View},
};
use crate::{
    daemon::{ContainerState, DaemonEvent, Instance, InstanceId},
    error::CreateError,
    labels::Role,
    names,
    network::Network,
    probe::{self, Answer},
    site::Site,
};

/// What an app gets between SIGTERM and SIGKILL (design.md 1, promise 6).
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// Something that was not told of is found within this time.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Pauses between attempts to make or start what cannot be made or started.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is seen of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: InstanceId,
    pub(super) release: ReleaseNumber,
    pub(super) view: View,
    /// Where it listens, once it has an address.
    pub(super) address: Option<SocketAddr>,
    pub(super) created_at: Option<Timestamp>,
    /// Whether its path was asked for, or something stands in the way of it.
    pub(super) is_settled: bool,
}

/// A task that minds an instance.
pub(super) struct Minder {
    seen: watch::Receiver<Seen>,
    leave: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What is minded.
pub(super) struct Charge {
    pub(super) site: Arc<Site>,
    pub(super) target: Target,
    /// Its form, with the release in which its containers were made.
    pub(super) form: DesiredAppling,
    pub(super) replica: u16,
    /// Rung whenever something new is seen.
    pub(super) bell: Arc<Notify>,
    /// What has to be over first: the removal of one of the same name.
    pub(super) after: Option<BoxFuture<'static, ()>>,
}

impl Charge {
    /// The name that the instance has, or will have.
    pub(super) fn name(&self) -> String {
        names::instance(&self.site.settings.platform, &self.target, &self.form, self.replica)
    }
}

impl Minder {
    /// Begins. `found` is what is known to be there already.
    pub(super) fn begin(mut charge: Charge, found: Option<Instance>) -> Self {
        let id = found.as_ref().map_or_else(
            || InstanceId {
                name: charge.name(),
                sidecars: charge.form.sidecars.iter().map(|sidecar| sidecar.name.clone()).collect(),
            },
            |found| found.id.clone(),
        );
        let seen = Seen {
            view: View::new(id.name.clone()),
            id,
            release: charge.form.release,
            address: None,
            created_at: None,
            is_settled: false,
        };
        let (seen, receiver) = watch::channel(seen);
        let (leave, leaves) = watch::channel(false);
        let after = charge.after.take();
        let mind = Mind {
            was_found: found.is_some(),
            events: charge.site.happenings(),
            charge,
            seen,
            leaves,
            found,
            last: None,
            worked: Worked::new(),
            asking: None,
            restarts: 0,
            look_at: Instant::now(),
        };
        let task = tokio::spawn(async move {
            if let Some(after) = after {
                after.await;
            }
            mind.run().await;
        });
        Self { seen: receiver, leave, task }
    }

    /// What was seen last.
    pub(super) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }

    /// Lets go of the instance. Its containers stay as they are.
    pub(super) async fn leave(self) -> InstanceId {
        self.leave.send_replace(true);
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        self.seen.borrow().id.clone()
    }
}

struct Mind {
    charge: Charge,
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

/// The conversation with a process.
struct Asking {
    process: Option<Timestamp>,
    address: SocketAddr,
    readiness: Readiness,
    /// Where there is a path for it.
    liveness: Option<Liveness>,
}

impl Asking {
    fn is_ready(&self) -> bool {
        self.readiness.is_ready() && self.liveness.as_ref().is_none_or(Liveness::has_answered)
    }
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
    async fn run(mut self) {
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
                    let _ = tokio::time::timeout(pause, self.happens()).await;
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
        let instance = match self.found.take() {
            Some(found) => Some(found),
            None => self.look().await?,
        };
        self.last.clone_from(&instance);
        self.look_at = Instant::now() + LOOK_AGAIN;
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
                self.charge.site.daemon.start(&id, &role).await
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
        let Charge { site, target, form, replica, .. } = &self.charge;
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

    async fn ask_sidecar(&mut self, instance: &Instance, role: Role) {
        let Role::Sidecar(name) = &role else { return };
        let asked = self.charge.form.sidecars.iter().find(|sidecar| sidecar.name == *name);
        let Some((port, path)) = asked.and_then(|sidecar| sidecar.startup.clone()) else { return };
        let process = instance.container(&role).and_then(|container| container.started_at);
        self.tell(|seen| seen.view.stage = Stage::Starting(Some(name.clone())));
        let Some(address) = instance.address else {
            let _ = tokio::time::timeout(PAUSE_MIN, self.happens_and_is_told()).await;
            return;
        };
        let address = SocketAddr::new(address, port.number());
        let mut readiness = Readiness::new(Instant::now());
        loop {
            let mut answer = asked_at(readiness.next(), address, path.as_str());
            let answer = tokio::select! {
                answer = &mut answer => answer,
                () = self.happens_and_is_told() => return,
            };
            if answer.is_good() {
                self.worked.retain(|(worked, _)| *worked != role);
                self.worked.push((role.clone(), process));
                self.tell(|seen| seen.view.told = None);
                return;
            }
            readiness.hear(Instant::now(), &answer);
            let told = Told { asked: Asked::Startup(name.clone()), answer };
            self.tell(|seen| seen.view.told = Some(told));
        }
    }

    /// Asks until something happens.
    async fn ask(&mut self, instance: &Instance, id: &InstanceId) -> Result<(), CreateError> {
        let process = instance.app().and_then(|app| app.started_at);
        let Some(address) = instance.address else {
            // Somebody has taken it off its network, or the daemon is about to put it there.
            self.tell(|seen| seen.view.stage = Stage::Running);
            if tokio::time::timeout(PAUSE_MIN, self.happens_and_is_told()).await.is_err()
                && self.look().await?.is_some_and(|instance| instance.address.is_none())
            {
                tracing::warn!(instance = %id, "a container is on no network any more; making it anew");
                self.charge.site.daemon.remove(id).await?;
            }
            return Ok(());
        };
        let address = SocketAddr::new(address, self.charge.form.port.number());
        let mut asking = match self.asking.take() {
            Some(asking) if asking.process == process && asking.address == address => asking,
            _ => {
                let now = Instant::now();
                self.tell(|seen| seen.view.told = None);
                let liveness =
                    self.charge.form.liveness_path.as_ref().map(|_| Liveness::new(now, self.was_found));
                self.was_found = false;
                Asking { process, address, readiness: Readiness::new(now), liveness }
            }
        };
        if !asking.is_ready() {
            self.tell(|seen| seen.view.stage = Stage::Running);
        }
        let readiness_path = self.charge.form.readiness_path.as_str().to_owned();
        let liveness_path = self.charge.form.liveness_path.as_ref().map(|path| path.as_str().to_owned());
        let alive_at = |liveness: &Option<Liveness>| match (liveness, &liveness_path) {
            (Some(liveness), Some(path)) => asked_at(liveness.next(), address, path),
            _ => std::future::pending().boxed(),
        };
        let mut ready = asked_at(asking.readiness.next(), address, &readiness_path);
        let mut alive = alive_at(&asking.liveness);
        loop {
            tokio::select! {
                () = self.happens_and_is_told() => {
                    self.asking = Some(asking);
                    return Ok(());
                }
                answer = &mut ready => {
                    asking.readiness.hear(Instant::now(), &answer);
                    self.tell(|seen| seen.hear(asking.is_ready(), Asked::Readiness, answer));
                    ready = asked_at(asking.readiness.next(), address, &readiness_path);
                }
                answer = &mut alive => {
                    if asking.liveness.as_mut().is_some_and(|liveness| liveness.hear(Instant::now(), &answer)) {
                        tracing::warn!(instance = %id, ?answer, "the liveness path failed; restarting the container");
                        return self.restart(id, &Role::App).await;
                    }
                    // Readiness waits for its first good answer, as it waits for a startup probe on Kubernetes.
                    if !self.seen.borrow().view.is_ready() && asking.readiness.is_ready() {
                        self.tell(|seen| seen.hear(asking.is_ready(), Asked::Liveness, answer));
                    }
                    alive = alive_at(&asking.liveness);
                }
            }
        }
    }

    /// Waits until something happens, and tells of an end.
    async fn happens_and_is_told(&mut self) {
        if let Happening::Died(exit) = self.happens().await {
            self.tell(|seen| {
                seen.view.stage = Stage::Exited;
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

impl Seen {
    /// Takes in what the daemon tells.
    fn see(&mut self, instance: Option<&Instance>, offset: u32, port: u16) {
        let Some(instance) = instance else { return };
        self.id.clone_from(&instance.id);
        self.address = instance.address.map(|address| SocketAddr::new(address, port));
        self.created_at = instance.app().and_then(|app| app.created_at);
        // A restart that is yet to come is none.
        let done = |container: &crate::daemon::Container| {
            container.restarts
                - u32::from(container.state == ContainerState::Restarting).min(container.restarts)
        };
        self.view.restarts = offset + instance.containers.iter().map(done).sum::<u32>();
        // Told at once with the restart: the one without the other would look like a second end.
        if self.view.stage == Stage::Exited
            && instance.containers.iter().all(crate::daemon::Container::is_running)
        {
            self.view.stage = Stage::Running;
        }
        let ended =
            |container: &&crate::daemon::Container| !container.is_running() && container.exit_code.is_some();
        if let Some(container) = instance.containers.iter().find(ended)
            && container.state == ContainerState::Restarting
        {
            self.view.exit = Some(Exit {
                sidecar: sidecar(&container.role),
                code: container.exit_code.unwrap_or_default(),
                is_out_of_memory: container.is_out_of_memory,
            });
        }
    }

    /// Takes in an answer.
    fn hear(&mut self, is_ready: bool, asked: Asked, answer: Answer) {
        self.view.stage = if is_ready { Stage::Ready } else { Stage::Running };
        self.view.told = (!answer.is_good()).then_some(Told { asked, answer });
        self.is_settled = true;
    }
}

fn sidecar(role: &Role) -> Option<ApplingName> {
    match role {
        Role::App => None,
        Role::Sidecar(name) => Some(name.clone()),
    }
}

fn asked_at(at: Instant, address: SocketAddr, path: &str) -> BoxFuture<'static, Answer> {
    let path = path.to_owned();
    async move {
        tokio::time::sleep_until(at).await;
        probe::ask(address, &path).await
    }
    .boxed()
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
