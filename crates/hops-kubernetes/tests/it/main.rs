//! The engine on a real cluster: `cargo xtask cluster up`, then `eval "$(cargo xtask cluster env)"`.
//!
//! One program, as each one more would be linked with all of Kubernetes' types. The files are named by what they prove.

#![expect(clippy::print_stdout, reason = "figures and causes, for whoever runs them with --nocapture")]

mod causes;
mod conformance;
mod gateway;
mod log_lines;
mod loss;
mod many;
mod outages;
mod planning;
mod routes;
mod score;
mod users;
mod world;

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::{io::AsyncWriteExt, process::Command};

/// Does by hand what an operator would do.
async fn kubectl(arguments: &[&str]) -> Result<String> {
    kubectl_with_input(arguments, "").await
}

async fn kubectl_with_input(arguments: &[&str], input: &str) -> Result<String> {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = kubectl.spawn().context("cannot start kubectl")?;
    let mut stdin = running.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let output = running.wait_with_output().await?;
    ensure!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
