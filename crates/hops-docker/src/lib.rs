//! The engine that drives Docker on one machine.
