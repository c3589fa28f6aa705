//! The engine on two real Docker engines: `cargo xtask docker up`, then `eval "$(cargo xtask cluster env)"`.
//!
//! Every behaviour is shown on both, Debian's and the current one. The files are named by what they prove.

#![expect(clippy::print_stdout, reason = "figures and causes, for whoever runs them with --nocapture")]

/// Makes two tests of each of these functions: one on Debian's Docker, one on the current one.
macro_rules! on_both_engines {
    ($($behaviour:ident),+ $(,)?) => {
        mod debian {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() -> anyhow::Result<()> {
                super::$behaviour(hops_testkit::DockerEngine::old()?).await
            })+
        }
        mod current {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() -> anyhow::Result<()> {
                super::$behaviour(hops_testkit::DockerEngine::new()?).await
            })+
        }
    };
}

mod by_hand;
mod causes;
mod conformance;
mod deaths;
mod disk;
mod hops;
mod log;
mod loss;
mod siblings;
mod world;
