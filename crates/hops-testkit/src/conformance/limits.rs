//! What a container may use, and what it is spared.

use anyhow::{Result, ensure};
use hops_model::{
    app::Amounts,
    quantity::{Cpu, Memory},
};

use crate::scene::{Scene, World};

/// The limits of the file are those of the container.
pub async fn memory_is_limited_as_the_file_says(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "limits").await?;
    let mut web = scene.appling("web");
    web.resources.limits = Amounts { memory: Some(Memory::parse("96Mi")?), cpu: Some(Cpu::parse("500m")?) };
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    // Version 1 of the control groups, else version 2.
    let mut limit = scene.get(&web, "/file?path=/sys/fs/cgroup/memory/memory.limit_in_bytes").await?;
    if limit.status == 404 {
        limit = scene.get(&web, "/file?path=/sys/fs/cgroup/memory.max").await?;
    }
    ensure!(limit.body.trim() == (96 << 20).to_string(), "{limit:?}");
    let mut quota = scene.get(&web, "/file?path=/sys/fs/cgroup/cpu/cpu.cfs_quota_us").await?;
    if quota.status == 404 {
        quota = scene.get(&web, "/file?path=/sys/fs/cgroup/cpu.max").await?;
    }
    ensure!(quota.body.trim().starts_with("50000"), "{quota:?}");
    scene.end().await
}

/// A process that nobody waits for does not stay behind when it ends: process 1 is an init.
pub async fn a_zombie_is_buried_by_the_init(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "zombie").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    // The orphan's parent has ended; it ends itself soon after and is then a zombie until somebody waits for it.
    let orphan = scene.get(&web, "/orphan").await?;
    ensure!(orphan.status == 200, "{orphan:?}");
    let path = format!("/file?path=/proc/{}/stat", orphan.body.trim());
    scene.get_until(&web, &path, |answer| answer.status == 404).await?;
    scene.end().await
}
