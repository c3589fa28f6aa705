//! The nouns of HOPS, valid by construction.
//!
//! Names, ports, hosts and quantities are parsed once, at the border, and are valid ever after.
//! This crate does no IO, reads no clock and knows no async: what it holds is data.
//!
//! ```text
//! iterapp.toml ─▶ App ──(environment, images)──▶ Desired ─▶ an engine
//!                                                   │
//!                                        Release (the record of it)
//! ```

pub mod app;
pub mod cause;
pub mod commit;
pub mod deploy;
pub mod desired;
pub mod environment;
pub mod event;
pub mod host;
pub mod image;
pub mod name;
pub mod path;
pub mod port;
pub mod quantity;
pub mod release;
pub mod status;
pub mod target;
pub mod user;
pub mod variable;

pub use app::{App, Appling, Layout};
pub use cause::{Cause, CauseCode};
pub use commit::CommitId;
pub use deploy::{Deploy, DeployId, DeployState};
pub use desired::{Desired, DesiredAppling};
pub use environment::Environment;
pub use event::{ApplingOutcome, ApplingResult, Event, Outcome};
pub use host::HostName;
pub use image::{BuiltImage, ImageRef};
pub use name::{AppName, ApplingName, SecretName};
pub use path::{HttpPath, RepoPath};
pub use port::Port;
pub use release::{Release, ReleaseNumber};
pub use status::{ApplingStatus, Instance, InstanceState};
pub use target::Target;
pub use user::ImageUser;
pub use variable::{VariableName, VariableValue};

/// Implements text conversions for a type that has `parse(&str) -> Result<Self, E>` and `as_str`:
/// `Display`, `FromStr`, and serde through the same `parse`, so that nothing invalid is read back from a record.
macro_rules! text_type {
    ($name:ident, $error:ty) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                String::schema()
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}
use text_type;
