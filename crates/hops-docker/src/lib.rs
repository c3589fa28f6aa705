//! The engine that drives Docker on one machine.

mod settings;

pub use settings::{Redirect, Scheme, Settings};
