//! What kube-score says about the objects of an appling that uses everything.

use anyhow::Result;
use hops_kubernetes::{Settings, render_yaml};
use hops_testkit::{Scene, score};

use crate::{planning, world::Cluster};

#[tokio::test]
async fn kube_score_finds_nothing_that_is_not_declined_with_a_reason() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "score").await?;
    let full = planning::full(&scene)?;
    score::check(&render_yaml(&scene.release(&[full]), &Settings::default()), &[]).await
}
