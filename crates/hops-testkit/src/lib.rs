//! What tests stand on: the daemons of the test cluster, an app that misbehaves on demand, load that is counted
//! honestly, and the behaviours that every engine has to show.
//!
//! Only tests use this crate. It knows no particular engine.

pub mod address;
pub mod authority;
pub mod conformance;
pub mod daemons;
pub mod http;
pub mod images;
pub mod load;
mod patience;
pub mod proxy;
pub mod scene;
pub mod score;
pub mod socket;
pub mod testapp;

pub use authority::Authority;
pub use daemons::{Daemons, DockerEngine};
pub use load::{Load, Tally};
pub use patience::{PATIENCE, until};
pub use proxy::Proxy;
pub use scene::{Deployed, Impossible, Scene, World, appling};
