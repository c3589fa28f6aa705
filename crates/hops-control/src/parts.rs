//! What the verbs work with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hops_build::Builder;
use hops_engine::Engine;
use hops_git::Repository;
use hops_model::AppName;
use hops_store::Store;

use crate::{ControlError, Hosts};

/// What a platform consists of, handed to [`crate::Control::start`].
pub struct Parts {
    /// The state.
    pub store: Store,
    /// Where releases run.
    pub engine: Arc<dyn Engine>,
    /// What makes images of commits.
    pub builder: Arc<dyn Builder>,
    /// The directory of the bare copies of all repositories.
    pub repositories: PathBuf,
    /// Default hosts.
    pub hosts: Hosts,
    /// How long a deploy waits for an engine that is away.
    pub patience: Duration,
}

impl Parts {
    /// The server's bare copy of an app's repository, made on first use.
    pub(crate) async fn repository(&self, app: &AppName) -> Result<Repository, ControlError> {
        Repository::open_or_init(&self.repositories.join(format!("{app}.git")))
            .await
            .map_err(|source| ControlError::Repository { app: app.clone(), source })
    }
}
