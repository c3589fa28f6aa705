//! The test app's image: built once, kept in the registry under the hash of its source.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hops_model::ImageRef;
use sha2::{Digest, Sha256};
use tokio::{process::Command, sync::OnceCell};

use crate::{Daemons, http};

static IMAGE: OnceCell<ImageRef> = OnceCell::const_new();

/// The image of `tools/testapp`, whose own text says what it does.
pub async fn image() -> Result<ImageRef> {
    IMAGE.get_or_try_init(find_or_build).await.cloned()
}

async fn find_or_build() -> Result<ImageRef> {
    let daemons = Daemons::get()?;
    let source = source();
    let mut hash = Sha256::new();
    for file in ["go.mod", "main.go", "stream.go"] {
        let path = source.join(file);
        hash.update(std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let tag = hex(&hash.finalize()[..6]);
    if let Some(digest) = stored(&daemons.registry, &tag).await? {
        return reference(&daemons.registry, &digest);
    }
    // One test process builds; another waits for it and finds it done.
    let path = std::env::temp_dir().join(format!("hops-testapp-{}.lock", daemons.registry));
    let _building = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::create(path)?;
        file.lock()?;
        std::io::Result::Ok(file)
    })
    .await??;
    if let Some(digest) = stored(&daemons.registry, &tag).await? {
        return reference(&daemons.registry, &digest);
    }
    let work = tempfile::tempdir()?;
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(work.path().join("testapp")).arg(".");
    go.current_dir(&source).env("CGO_ENABLED", "0").env("GOOS", "linux").env("GOARCH", "amd64");
    run(&mut go).await?;
    std::fs::write(
        work.path().join("Dockerfile"),
        "FROM scratch\nCOPY testapp /testapp\nENTRYPOINT [\"/testapp\"]\n",
    )?;
    let metadata = work.path().join("metadata.json");
    let mut build = Command::new("buildctl");
    build.args(["--addr", &daemons.buildkit, "build", "--frontend", "dockerfile.v0"]);
    for local in ["context", "dockerfile"] {
        build.arg("--local").arg(format!("{local}={}", work.path().display()));
    }
    build.arg("--output").arg(format!("type=image,name={}/hops/testapp:{tag},push=true", daemons.registry));
    build.arg("--metadata-file").arg(&metadata);
    run(&mut build).await?;
    let metadata: serde_json::Value = serde_json::from_slice(&std::fs::read(metadata)?)?;
    let digest = metadata["containerimage.digest"].as_str().context("buildctl names no digest")?;
    reference(&daemons.registry, digest)
}

/// The digest under which the registry has the tag.
async fn stored(registry: &str, tag: &str) -> Result<Option<String>> {
    let address = registry.parse().with_context(|| format!("the test registry {registry} is no address"))?;
    let path = format!("/v2/hops/testapp/manifests/{tag}");
    let answer = http::get_as(
        address,
        registry,
        &path,
        "application/vnd.oci.image.manifest.v1+json, \
        application/vnd.docker.distribution.manifest.v2+json",
    )
    .await?;
    // A digest is the hash of the manifest's bytes.
    let digest = hex(&Sha256::digest(answer.body.as_bytes()));
    Ok((answer.status == 200).then(|| format!("sha256:{digest}")))
}

fn reference(registry: &str, digest: &str) -> Result<ImageRef> {
    Ok(ImageRef::parse(&format!("{registry}/hops/testapp@{digest}"))?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/testapp")
}

async fn run(command: &mut Command) -> Result<()> {
    let output = command.output().await.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
