//! Many applings in one app.

use anyhow::{Result, ensure};
use hops_testkit::Scene;

use crate::world::Cluster;

/// `HOPS_TEST_LONG=1` makes it fifty.
#[tokio::test]
async fn many_applings_of_one_app_roll_out_together() -> Result<()> {
    let count = if std::env::var_os("HOPS_TEST_LONG").is_some() { 50 } else { 8 };
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "many").await?;
    let applings: Vec<_> = (1..=count).map(|n| scene.appling(&format!("a{n}"))).collect();
    scene.deploy_well(&applings).await?;
    let again = scene.deploy_well(&applings).await?;
    ensure!(again.plan.is_empty(), "{}", again.plan);
    scene.end().await
}
