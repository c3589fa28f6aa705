//! Asking the API server through its own command line.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::slot::NO_PROXY;
use crate::program;

/// `kubectl` with the cluster's kubeconfig.
#[derive(Clone)]
pub(crate) struct Kubectl {
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
}

impl Kubectl {
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.kubeconfig).arg("--request-timeout=60s").args(arguments);
        command.env("NO_PROXY", NO_PROXY).env("no_proxy", NO_PROXY);
        command
    }

    pub(super) fn output(&self, arguments: &[&str]) -> Result<String> {
        program::output(&mut self.command(arguments))
    }

    pub(super) fn succeeds(&self, arguments: &[&str]) -> bool {
        program::succeeds(&mut self.command(arguments))
    }

    /// Makes the objects be as given.
    pub(super) fn apply(&self, objects: &serde_json::Value) -> Result<()> {
        let mut command = self.command(&["apply", "--server-side", "--force-conflicts", "--filename=-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start kubectl")?;
        child.stdin.take().expect("stdin is piped").write_all(&serde_json::to_vec(objects)?)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("kubectl apply failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}
