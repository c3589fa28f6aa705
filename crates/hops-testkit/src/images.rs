//! Images that are broken on purpose, or run as somebody else than root.

use anyhow::{Context, Result, ensure};
use hops_model::ImageRef;

use tokio::process::Command;

use crate::{Daemons, testapp};

/// An image whose entry point is not in it.
pub async fn broken_entrypoint() -> Result<ImageRef> {
    build("hops/test-broken", "FROM scratch\nCOPY nothing /nothing\nENTRYPOINT [\"/nope\"]\n").await
}

/// The test app, running as `user`.
pub async fn of_user(user: &str) -> Result<ImageRef> {
    let testapp = testapp::image().await?;
    // Names need a file that says whom they stand for.
    let steps = "COPY <<EOF /etc/passwd\nann:x:1234:50::/:/testapp\nEOF\n";
    build("hops/test-user", &format!("FROM {testapp}\n{steps}USER {user}\n")).await
}

async fn build(repository: &str, dockerfile: &str) -> Result<ImageRef> {
    let daemons = Daemons::get()?;
    let work = tempfile::tempdir()?;
    std::fs::write(work.path().join("nothing"), "")?;
    std::fs::write(work.path().join("Dockerfile"), dockerfile)?;
    let name = format!("{}/{repository}:1", daemons.registry);
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
    Ok(ImageRef::parse(&format!("{}/{repository}@{digest}", daemons.registry))?)
}
