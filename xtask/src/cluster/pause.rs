//! The image that every pod begins with.

use std::fs;

use anyhow::Result;

use super::{Cluster, slot::Port};
use crate::{
    digest::Key,
    images::{Store as _, builder::Builder},
    paths,
    program::{self, command},
};

const SOURCE: &str = include_str!("../../../tools/pause/pause.c");

pub(super) fn reference(cluster: &Cluster) -> String {
    format!("{}/{}", cluster.slot.loopback(Port::Registry), name())
}

fn name() -> String {
    format!("hops/pause:{}", Key::new().with(SOURCE).finish())
}

/// Builds it unless the registry has it.
pub(super) fn build(cluster: &Cluster) -> Result<()> {
    let builder = Builder::of(cluster);
    if builder.has(&name()) {
        return Ok(());
    }
    let folder = cluster.layout.folder("run").join("pause");
    fs::create_dir_all(&folder)?;
    let source = paths::checkout().join("tools/pause/pause.c");
    program::output(command(["cc", "-Os", "-static", "-s", "-o"]).arg(folder.join("pause")).arg(source))?;
    fs::write(folder.join("Dockerfile"), "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n")?;
    builder.build(&folder, &[&name()])?;
    Ok(fs::remove_dir_all(folder)?)
}
