//! What runs now, as an engine sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ApplingName, Cause, ImageRef, ReleaseNumber};

/// One appling as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplingStatus {
    /// The appling.
    pub name: ApplingName,
    /// The release in which it took its present form.
    pub release: ReleaseNumber,
    /// Its image.
    pub image: ImageRef,
    /// How many containers there are to be.
    pub wanted: u32,
    /// How many of them take requests.
    pub ready: u32,
    /// Where it is reached.
    pub urls: Vec<String>,
    /// Its containers, oldest first.
    pub instances: Vec<Instance>,
}

/// One running copy of an appling: a pod, or a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instance {
    /// The engine's name for it.
    pub name: String,
    /// The release whose form it has.
    pub release: ReleaseNumber,
    /// What it is doing.
    pub state: InstanceState,
    /// How often its process was started again.
    pub restarts: u32,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub created_at: Option<Timestamp>,
    /// Why it does not take requests, where that is known.
    pub cause: Option<Cause>,
}

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// On its way.
    Starting,
    /// Takes requests.
    Ready,
    /// Runs, but takes no requests.
    NotReady,
    /// Its process ended, and will be started again.
    Crashing,
    /// Finishes its requests.
    Stopping,
}
