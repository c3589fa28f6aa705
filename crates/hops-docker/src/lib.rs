//! The engine that drives Docker on one machine.

mod daemon;
mod disk;
mod error;
mod images;
mod labels;
mod logs;
mod names;
mod network;
mod render;
mod secrets;
mod settings;

pub use daemon::ConnectError;
pub use settings::{Redirect, Scheme, Settings};
