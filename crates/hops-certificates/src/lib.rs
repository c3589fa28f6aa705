//! Certificates of hosts: by ACME, or from files.
//!
//! It knows hosts and the proxy's tables, never an app. Hosts come and go; each has a certificate of its own, so that
//! one which is set up wrongly keeps no other from being served.
//!
//! ```text
//! want(hosts) → book (what is due when) → order → account, challenge at the proxy → certificate → store, proxy
//! files, when they change ──────────────────────────────────────────────────────────────────────────────▲
//! ```
//!
//! **Authorities have limits.** What was issued is kept and found again, so that a restart orders nothing; failures
//! are kept as well, and each host waits longer after each; what no authority signs is not ordered. An order is noted
//! before it begins: a server that dies in the middle, again and again, does not try again and again.

mod account;
mod book;
mod certificate;
mod certifier;
mod files;
mod fitness;
mod order;
mod schedule;
mod settings;
mod status;
mod store;

pub use certificate::CertificateError;
pub use certifier::{Certifier, StartError};
pub use files::FilesError;
pub use fitness::Unfit;
pub use settings::{
    CertificateFiles, ChallengeKind, Directory, Email, ExternalAccount, Settings, SettingsError,
};
pub use status::{HostStatus, State};
pub use store::StoreError;
