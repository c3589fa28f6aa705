//! Asking an instance, for as long as nothing happens to it.

use std::net::SocketAddr;

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Mind, PAUSE_MIN};
use crate::{
    daemon::{Instance, InstanceId},
    error::CreateError,
    keeper::{
        readiness::{Liveness, Readiness},
        view::{Asked, Stage, Told},
    },
    labels::Role,
    probe::{self, Answer},
};

/// The conversation with a process.
pub(super) struct Asking {
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

impl Mind {
    /// Asks a sidecar until it works, or something happens.
    pub(super) async fn ask_sidecar(&mut self, instance: &Instance, role: Role) {
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
    pub(super) async fn ask(&mut self, instance: &Instance, id: &InstanceId) -> Result<(), CreateError> {
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
}

fn asked_at(at: Instant, address: SocketAddr, path: &str) -> BoxFuture<'static, Answer> {
    let path = path.to_owned();
    async move {
        tokio::time::sleep_until(at).await;
        probe::ask(address, &path).await
    }
    .boxed()
}
