//! The way of a deploy, with a real store and real Git, and with an engine and a builder that do as a test says.

mod deploying;
mod doubles;
mod platform;
mod resuming;
mod rolling_back;
