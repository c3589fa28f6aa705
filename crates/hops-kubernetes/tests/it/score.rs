//! What kube-score says about the objects. Each finding that is declined has its reason here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use hops_kubernetes::{Settings, render_yaml};
use hops_testkit::Scene;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{planning, world::Cluster};

/// Checks that are not followed, and why.
const DECLINED: [(&str, &str); 6] = [
    (
        "pod-networkpolicy",
        "apps call databases and services anywhere; HOPS restricts who calls them, not whom they call",
    ),
    (
        "container-security-context-user-group-id",
        "the user is the image's choice, and HOPS runs ordinary images",
    ),
    ("container-security-context-readonlyrootfilesystem", "ordinary images write to their file system"),
    (
        "container-image-pull-policy",
        "an image is named by its digest, so pulling again can only fail, never differ",
    ),
    (
        "container-ephemeral-storage-request-and-limit",
        "machines evict by real use; the file has no key for it",
    ),
    (
        "deployment-has-host-podantiaffinity",
        "pods are spread by topology spread constraints, which it does not know",
    ),
];

#[tokio::test]
async fn kube_score_finds_nothing_that_is_not_declined_with_a_reason() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "score").await?;
    let full = planning::full(&scene)?;
    let yaml = render_yaml(&scene.release(&[full]), &Settings::default());

    let mut score = Command::new("go");
    score.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/kube-score"));
    // A limit on processor time slows an app down for nothing while the machine idles; the file may set one.
    score.args(["tool", "kube-score", "score", "--exit-one-on-warning", "--ignore-container-cpu-limit"]);
    // A sidecar has the limits that its add-on gives it.
    score.args(["--ignore-container-memory-limit", "--kubernetes-version", "v1.36", "--output-format", "ci"]);
    for (check, _reason) in DECLINED {
        score.args(["--ignore-test", check]);
    }
    score.arg("-").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut running = score.spawn().context("cannot start go")?;
    let mut stdin = running.stdin.take().context("it is piped")?;
    stdin.write_all(yaml.as_bytes()).await?;
    drop(stdin);
    let output = running.wait_with_output().await?;
    let found = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{found}");
    ensure!(found.contains("[OK]"), "it looked at nothing: {found}");
    Ok(())
}
