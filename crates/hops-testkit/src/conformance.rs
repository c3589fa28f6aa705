//! Behaviours that every engine has to show, each a function over a [`World`]. What they promise is design.md 1.
//!
//! An engine's own tests call them one by one, so that each is a test of its own:
//! `conformance::readiness::an_unready_container_gets_no_requests(&world).await`.

pub mod crashes;
pub mod environment;
pub mod readiness;
pub mod rollout;
pub mod signals;
