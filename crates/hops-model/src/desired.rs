//! What an engine is to make of a release: everything decided, nothing left to look up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ApplingName, CommitId, HostName, HttpPath, ImageRef, ImageUser, Port, ReleaseNumber, SecretName, Target,
    VariableName, app::Resources,
};

/// The state that a deploy puts into effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The app and environment.
    pub target: Target,
    /// The release that is put into effect.
    pub release: ReleaseNumber,
    /// The commit it was made of.
    pub commit: CommitId,
    /// What is to run. What runs and is not in here is removed.
    pub applings: Vec<DesiredAppling>,
    /// For applings that ran well before: what to go back to if the new form fails.
    pub last_good: BTreeMap<ApplingName, DesiredAppling>,
}

/// One appling, everything decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredAppling {
    /// Its name.
    pub name: ApplingName,
    /// The release in which it took this form. Older than [`Desired::release`] where nothing changed since, so
    /// that a deploy without changes restarts nothing.
    pub release: ReleaseNumber,
    /// Its image.
    pub image: ImageRef,
    /// Whom its image runs as. Records from before it was known say nothing.
    #[serde(default)]
    pub user: ImageUser,
    /// Its Service's name.
    pub service: String,
    /// Other names that resolve to the same containers.
    pub aliases: Vec<String>,
    /// The port its container listens on, also its Service's.
    pub port: Port,
    /// Answers 200 to 399 when it can take requests.
    pub readiness_path: HttpPath,
    /// Answers 200 to 399 as long as it need not be started again.
    pub liveness_path: Option<HttpPath>,
    /// How many containers run.
    pub replicas: u16,
    /// Whether an init process reaps children and passes signals on.
    pub init: bool,
    /// Environment variables, HOPS' own (design.md 7) included.
    pub variables: BTreeMap<VariableName, DesiredValue>,
    /// Secrets mounted as directories.
    pub secret_mounts: Vec<SecretMount>,
    /// Hosts that are routed to it; none for a private one. The first is the one shown to people.
    pub routes: Vec<HostName>,
    /// What its containers ask of the machine and may use.
    pub resources: Resources,
    /// Containers that start before it and stop after it.
    pub sidecars: Vec<Sidecar>,
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DesiredValue {
    /// The text itself.
    Literal(String),
    /// A key of a Secret in the namespace.
    SecretKey {
        /// The Secret's name.
        secret: SecretName,
        /// The key in it.
        key: String,
    },
}

/// A Secret mounted as a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretMount {
    /// The Secret's name.
    pub secret: SecretName,
    /// The absolute directory.
    pub mount_path: String,
}

/// A container beside the appling's own: starts before it, stops after it, shares its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Its name, unique in the appling.
    pub name: ApplingName,
    /// Its image.
    pub image: ImageRef,
    /// Arguments of the image's entry point.
    pub arguments: Vec<String>,
    /// Environment variables.
    pub variables: BTreeMap<VariableName, DesiredValue>,
    /// Answers 200 to 399 when the appling's own container may start: port and path.
    pub startup: Option<(Port, HttpPath)>,
    /// What it asks of the machine and may use.
    pub resources: Resources,
}

impl DesiredAppling {
    /// Whether both would run in the same way, whichever releases they took that form in.
    pub fn same_as(&self, other: &Self) -> bool {
        Self { release: other.release, ..self.clone() } == *other
    }
}
