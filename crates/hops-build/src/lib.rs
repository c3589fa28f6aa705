//! From a commit to images: one an appling, each built from the commit's files at the repository's root.
//!
//! ```text
//! commit ─▶ files (snapshot) ─▶ input hash ──known, image still there──▶ image
//!                                   └──else──▶ BuildKit ─▶ registry, or engine ─▶ image, remembered
//! ```
//!
//! The files are read from Git's objects; there is no checkout, so nothing that is not committed can get in.
//! [`Builder`] is the contract, [`BuildKitBuilder`] what keeps it. This crate knows no engine, no store and no
//! environment: what an earlier input became it asks its [`BuildMemory`], and what an engine that keeps images itself
//! knows of them, its [`Images`].

mod builder;
mod buildkit;
mod cause;
mod dockerfile;
mod images;
mod input;
mod modified;
mod registry;
mod settings;
mod snapshot;

pub use builder::{ApplingBuild, BuildMemory, BuildRequest, BuildResults, Builder};
pub use buildkit::BuildKitBuilder;
pub use hops_buildkit::{Credentials, Login, SecretValue};
pub use images::{Images, UserUnknown};
pub use input::InputHash;
pub use settings::{Settings, SettingsError};
