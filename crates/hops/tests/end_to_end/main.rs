//! From end to end: the real binary as server and as client, on a real cluster and on real Docker engines.
//!
//! Needs these; `cargo xtask test` starts them. What does not depend on where apps run is shown everywhere.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

/// Makes a test of each of these functions for Kubernetes and for Docker.
macro_rules! everywhere {
    ($($behaviour:ident),+ $(,)?) => {
        mod kubernetes {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour($crate::engine::Engine::Kubernetes).await;
            })+
        }
        mod docker {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour($crate::engine::Engine::DOCKER).await;
            })+
        }
    };
}

mod app;
mod deploying;
mod engine;
mod failing;
mod machine;
mod platform;
mod rendering;
mod rolling_back;
mod surviving;
