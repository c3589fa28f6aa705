//! What HOPS asks of Docker, asked of real engines: the oldest that it works with, and the current one.

mod events;
mod failures;
mod lives;
mod logs;
mod networks;
pub(crate) mod scene;
mod siblings;

/// Makes a test of each engine from every function.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod on_old {
            $(#[tokio::test] async fn $name() { crate::daemon::tests::scene::on(hops_testkit::DockerEngine::old(), super::$name).await; })+
        }
        mod on_new {
            $(#[tokio::test] async fn $name() { crate::daemon::tests::scene::on(hops_testkit::DockerEngine::new(), super::$name).await; })+
        }
    };
}
pub(crate) use on_both_engines;
