//! Images that are broken on purpose.

use anyhow::{Context, Result, ensure};
use hops_model::ImageRef;
use hops_testkit::Daemons;
use tokio::process::Command;

/// An image whose entry point is not in it.
pub(crate) async fn broken_entrypoint() -> Result<ImageRef> {
    let daemons = Daemons::get()?;
    let work = tempfile::tempdir()?;
    std::fs::write(work.path().join("nothing"), "")?;
    std::fs::write(
        work.path().join("Dockerfile"),
        "FROM scratch\nCOPY nothing /nothing\nENTRYPOINT [\"/nope\"]\n",
    )?;
    let name = format!("{}/hops/test-broken:1", daemons.registry);
    let metadata = work.path().join("metadata.json");
    let mut build = Command::new("buildctl");
    build.args(["--addr", &daemons.buildkit, "build", "--frontend", "dockerfile.v0"]);
    for local in ["context", "dockerfile"] {
        build.arg("--local").arg(format!("{local}={}", work.path().display()));
    }
    build
        .arg("--output")
        .arg(format!("type=image,name={name},push=true"))
        .arg("--metadata-file")
        .arg(&metadata);
    let output = build.output().await.context("cannot start buildctl")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&std::fs::read(metadata)?)?;
    let digest = metadata["containerimage.digest"].as_str().context("buildctl names no digest")?;
    Ok(ImageRef::parse(&format!("{}/hops/test-broken@{digest}", daemons.registry))?)
}
