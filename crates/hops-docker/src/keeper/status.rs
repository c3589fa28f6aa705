//! What runs of an appling, for people.

use hops_model::{ApplingStatus, Cause, CauseCode, Instance, InstanceState};

use super::{
    Keeping,
    judge::describe,
    keys,
    seen::Seen,
    view::{Stage, View},
};

impl Keeping {
    /// Publishes what runs now.
    pub(super) fn publish(&self) {
        let status = self.status_now();
        self.status.send_if_modified(|before| {
            let is_new = *before != status;
            *before = status;
            is_new
        });
        let is_settled = self.is_settled();
        self.settled
            .send_if_modified(|before| !std::mem::replace(before, *before || is_settled) && is_settled);
    }

    /// Whether each container was asked once, or is known not to answer.
    pub(super) fn is_settled(&self) -> bool {
        // What comes beside something that serves may take its time.
        let held = self.serving.as_ref().or(self.coming.as_ref().map(|coming| &coming.held));
        held.into_iter()
            .flat_map(keys)
            .all(|key| self.crew.get(&key).is_some_and(|minder| minder.seen().is_settled))
    }

    fn status_now(&self) -> Option<ApplingStatus> {
        let held = self.serving.as_ref().or(self.coming.as_ref().map(|coming| &coming.held))?;
        let ready =
            keys(held).filter(|key| self.crew.get(key).is_some_and(|minder| minder.seen().view.is_ready()));
        let ready = u32::try_from(ready.count()).unwrap_or(u32::MAX);
        let minded = self.crew.values().map(|minder| instance(&minder.seen()));
        let leaving = self.leaving.values().map(|leaving| Instance {
            state: InstanceState::Stopping,
            cause: None,
            ..instance(&leaving.seen)
        });
        let mut instances: Vec<Instance> = minded.chain(leaving).collect();
        instances.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        let urls = held.form.routes.iter().map(|host| self.site.settings.url(host.as_str()));
        Some(ApplingStatus {
            name: held.form.name.clone(),
            release: held.form.release,
            image: held.form.image.clone(),
            wanted: u32::from(held.form.replicas),
            ready,
            urls: urls.collect(),
            instances,
        })
    }
}

fn instance(seen: &Seen) -> Instance {
    let state = state(&seen.view);
    let cause = (state != InstanceState::Ready).then(|| {
        Cause::new(
            code(&seen.view),
            describe(&seen.view),
            "`hops logs` shows what it printed, and with `--previous` what its former process printed",
        )
    });
    Instance {
        name: seen.id.name.clone(),
        release: seen.release,
        state,
        restarts: seen.view.restarts,
        created_at: seen.created_at,
        cause,
    }
}

fn state(view: &View) -> InstanceState {
    match view.stage {
        Stage::Creating(_) | Stage::Starting(_) => InstanceState::Starting,
        Stage::Running => InstanceState::NotReady,
        Stage::Ready => InstanceState::Ready,
        Stage::Exited => InstanceState::Crashing,
    }
}

fn code(view: &View) -> CauseCode {
    match (&view.stage, &view.exit) {
        (Stage::Creating(Some(trouble)), _) => trouble.cause.code,
        (Stage::Exited, Some(exit)) if exit.is_out_of_memory => CauseCode::OutOfMemory,
        (Stage::Exited, _) => CauseCode::Exited,
        _ => CauseCode::ReadinessFailed,
    }
}
