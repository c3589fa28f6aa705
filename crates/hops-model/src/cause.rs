//! Why a deploy failed, with its proof.

use serde::{Deserialize, Serialize};

/// Why something failed, in a form to act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cause {
    /// What kind of failure, for programs.
    pub code: CauseCode,
    /// What happened, one sentence.
    pub message: String,
    /// What shows it: the probe's answer, the last log lines, the server's words. Empty where there is nothing to show.
    pub proof: String,
    /// What to do, as concrete as is known.
    pub help: String,
}

/// Kinds of failure. The names are part of the command line's contract (design.md 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CauseCode {
    /// A file of the app is wrong.
    ManifestInvalid,
    /// The file asks for something that this platform cannot do yet.
    NotSupported,
    /// The commit or branch is not in the repository.
    CommitMissing,
    /// The app, deploy or release that was asked for is not there.
    NotFound,
    /// A build step failed, or the Dockerfile is wrong.
    BuildFailed,
    /// An image that the build starts from cannot be had.
    BaseImageMissing,
    /// The builder cannot be reached, or went away.
    BuilderUnavailable,
    /// The registry refused the image or cannot be reached.
    RegistryUnavailable,
    /// The cluster cannot pull the image.
    ImagePullFailed,
    /// The container exits again and again, or at once.
    Exited,
    /// The container took more memory than it may.
    OutOfMemory,
    /// The readiness path does not answer 200 to 399.
    ReadinessFailed,
    /// Nothing listens on `port`.
    NothingListens,
    /// No machine has room.
    DoesNotFit,
    /// The platform's rules (admission, quota) refuse it.
    Refused,
    /// A named Secret, or a key in it, does not exist.
    SecretMissing,
    /// The container cannot be created or started as described.
    CannotStart,
    /// The route is taken by another app.
    RouteTaken,
    /// Not decided within the time there is.
    TimedOut,
    /// The engine cannot be reached, or refused the platform itself.
    EngineUnavailable,
    /// Somebody stopped it, or a newer deploy took its place.
    Cancelled,
    /// A fault of HOPS.
    Internal,
}

impl CauseCode {
    /// Whether the app or its author can mend it, which decides the exit status: 1, else 2 (design.md 8).
    pub fn is_users(self) -> bool {
        !matches!(
            self,
            Self::BuilderUnavailable | Self::RegistryUnavailable | Self::EngineUnavailable | Self::Internal
        )
    }
}

impl std::fmt::Display for CauseCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

impl Cause {
    /// A cause without proof.
    pub fn new(code: CauseCode, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), proof: String::new(), help: help.into() }
    }

    /// The same cause with its proof.
    #[must_use]
    pub fn with_proof(self, proof: impl Into<String>) -> Self {
        Self { proof: proof.into(), ..self }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
