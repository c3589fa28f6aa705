//! Starting, stopping and removing the containers of an instance.

use std::time::{Duration, Instant};

use bollard::query_parameters::{
    RemoveContainerOptions, RestartContainerOptions, StartContainerOptions, StopContainerOptions,
};
use hops_engine::EngineError;

use super::{Daemon, InstanceId, words};
use crate::{
    error::{self, CreateError},
    labels::Role,
};

/// What sidecars get at least, however long the app took to stop.
const LEAST_GRACE: Duration = Duration::from_secs(2);

impl Daemon {
    /// Starts one container of an instance. One that runs is left alone. One that cannot run any more, as its network was
    /// removed, is removed, too: the instance is then no longer whole, and has to be created again.
    pub(crate) async fn start(&self, instance: &InstanceId, role: &Role) -> Result<(), CreateError> {
        let name = instance.container(role);
        match self.client().start_container(&name, None::<StartContainerOptions>).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.not_started(&name, error).await),
        }
    }

    /// Stops an instance: the app by SIGTERM (or what its image names), then its sidecars, last first; each by SIGKILL
    /// when the grace period is over, which they share. What does not run, or is not there, is stopped.
    pub(crate) async fn stop(&self, instance: &InstanceId, grace: Duration) -> Result<(), EngineError> {
        let until = Instant::now() + grace;
        for role in instance.roles().rev() {
            let left = until.saturating_duration_since(Instant::now());
            let grace = if role == Role::App { grace } else { left.max(LEAST_GRACE) };
            self.stop_container(&instance.container(&role), grace).await?;
        }
        Ok(())
    }

    /// Stops one container and starts it again, as for a failed liveness probe.
    pub(crate) async fn restart(
        &self,
        instance: &InstanceId,
        role: &Role,
        grace: Duration,
    ) -> Result<(), CreateError> {
        let name = instance.container(role);
        let options = RestartContainerOptions { signal: None, t: Some(seconds(grace)) };
        match self.client().restart_container(&name, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.not_started(&name, error).await),
        }
    }

    /// Removes the containers of an instance, running or not, with the volumes that their images made.
    pub(crate) async fn remove(&self, instance: &InstanceId) -> Result<(), EngineError> {
        for role in instance.roles().rev() {
            self.remove_container(&instance.container(&role)).await?;
        }
        Ok(())
    }

    /// Why a container did not start.
    async fn not_started(&self, name: &str, error: bollard::errors::Error) -> CreateError {
        match words::start(name, &error) {
            Some(words::Start::Cause(cause)) => return cause.into(),
            Some(words::Start::Lacking(what)) => {
                let help = "install it beside the daemon, or set `init = false` in the app's file";
                return EngineError::Lacking { engine: error::ENGINE, what: what.to_owned(), help }.into();
            }
            Some(words::Start::WithoutNetwork) => {
                tracing::warn!(container = name, "a container's network was removed, so it is made anew");
                if let Err(error) = self.remove_container(name).await {
                    return error.into();
                }
            }
            None => {}
        }
        self.error(format!("start the container {name}"), error).into()
    }

    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), EngineError> {
        let options = StopContainerOptions { signal: None, t: Some(seconds(grace)) };
        match self.client().stop_container(name, Some(options)).await {
            Err(error) if error::is_missing(&error) => Ok(()),
            result => result.map_err(|error| self.error(format!("stop the container {name}"), error)),
        }
    }

    pub(super) async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptions { force: true, v: true, link: false };
        match self.client().remove_container(name, Some(options)).await {
            Err(error) if error::is_missing(&error) || is_being_removed(&error) => Ok(()),
            result => result.map_err(|error| self.error(format!("remove the container {name}"), error)),
        }
    }
}

fn is_being_removed(error: &bollard::errors::Error) -> bool {
    error::answer(error).is_some_and(|(_, words)| words.contains("is already in progress"))
}

/// Whole seconds, rounded up: the daemon takes no fractions.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}
