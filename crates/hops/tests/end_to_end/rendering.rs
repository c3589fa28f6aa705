//! What `hops render` prints is what a real API server takes, to the last field.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use hops_testkit::score;

use crate::engine::kubectl;

/// The reviewed texts of the corpus, see `tests/cli/corpus.rs`; those that were refused have nothing to apply.
fn rendered() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.map(|file| (file.display().to_string(), fs::read_to_string(file).unwrap()));
    let accepted = texts.filter_map(|(file, text)| {
        let (head, objects) = text.split_once("---\n")?;
        head.starts_with("exit 0").then(|| (file, objects.to_owned()))
    });
    accepted.collect()
}

#[test]
fn the_api_server_takes_the_rendered_corpus_with_strict_validation() {
    let texts = rendered();
    assert!(texts.len() >= 10, "{} apps of the corpus are rendered", texts.len());
    let namespace = format!("e2e-render-{}", std::process::id());
    // A dry run needs a namespace that exists; one serves for all.
    run(kubectl().args(["create", "namespace", &namespace]), "");
    // All at once: each call would fetch the descriptions of all kinds, and what is tried is kept nowhere.
    let objects = texts.iter().map(|(_, objects)| objects.as_str()).collect::<Vec<_>>().join("---\n");
    let moved: String = objects
        .lines()
        .map(|line| match line.trim_start().strip_prefix("namespace: apps-") {
            Some(_) => format!("  namespace: {namespace}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let mut apply = kubectl();
    apply.args(["apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-"]);
    let words = run(&mut apply, &moved);
    let deployments = words.lines().filter(|line| line.starts_with("deployment.apps/")).count();
    assert!(deployments >= texts.len(), "{deployments} of {} apps: {words}", texts.len());
    run(kubectl().args(["delete", "namespace", &namespace, "--wait=false"]), "");
}

#[tokio::test]
async fn kube_score_finds_nothing_in_the_rendered_corpus_that_is_not_declined() {
    for (file, objects) in rendered() {
        let checked = score::check(&objects, &score::LEFT_TO_THE_FILE).await;
        assert!(checked.is_ok(), "{file}: {checked:?}");
    }
}

fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{input}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
