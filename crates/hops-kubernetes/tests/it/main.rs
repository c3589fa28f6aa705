//! The engine on a real cluster: `cargo xtask cluster up`, then `eval "$(cargo xtask cluster env)"`.
//!
//! One program, as each one more would be linked with all of Kubernetes' types. The files are named by what they prove.

mod conformance;
mod loss;
mod world;
