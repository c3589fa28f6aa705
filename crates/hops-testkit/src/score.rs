//! What kube-score says about objects. Each check that is declined has its reason here.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::{io::AsyncWriteExt, process::Command};

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

/// Declined where it is the app's own file that decides, and why HOPS does not decide otherwise.
pub const LEFT_TO_THE_FILE: [(&str, &str); 3] = [
    (
        "container-resources",
        "a limit that nobody chose kills an app that ran well, a request that nobody chose keeps it from starting",
    ),
    ("deployment-replicas", "an app with a single writer asks for one replica"),
    ("pod-probes-identical", "a file may name the same path for both"),
];

/// Fails with what kube-score finds in a text of objects, beyond what is declined for all and in `also`.
pub async fn check(yaml: &str, also: &[(&str, &str)]) -> Result<()> {
    let mut score = Command::new("kube-score");
    // A limit on processor time slows an app down for nothing while the machine idles; the file may set one.
    score.args(["score", "--exit-one-on-warning", "--ignore-container-cpu-limit"]);
    // A sidecar has the limits that its add-on gives it.
    score.args(["--ignore-container-memory-limit", "--kubernetes-version", "v1.36", "--output-format", "ci"]);
    for (check, _reason) in DECLINED.iter().chain(also) {
        score.args(["--ignore-test", check]);
    }
    score.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = score.spawn().context(
        "cannot start kube-score; `cargo xtask cluster up` builds it, and `cluster env` puts it into PATH",
    )?;
    let mut stdin = running.stdin.take().context("it is piped")?;
    stdin.write_all(yaml.as_bytes()).await?;
    drop(stdin);
    let output = running.wait_with_output().await?;
    let found = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{found}");
    ensure!(found.contains("[OK]"), "it looked at nothing: {found}");
    Ok(())
}
