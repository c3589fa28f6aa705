//! What makes the cluster know `HTTPRoute`s, as one with a Gateway does.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::kubectl::Kubectl;
use crate::{paths, program};

/// The name of its definition.
pub(super) const DEFINITION: &str = "crd/httproutes.gateway.networking.k8s.io";

/// Defines the kind, and waits until the API server serves it.
pub(super) fn define(kubectl: &Kubectl) -> Result<()> {
    let mut go = program::command(["go", "mod", "download", "-json", "sigs.k8s.io/gateway-api"]);
    let module = program::output(go.current_dir(paths::checkout().join("tools/gateway-api")))?;
    let module: Value = serde_json::from_str(&module).context("cannot read what `go mod download` says")?;
    let folder = module["Dir"].as_str().context("the module of the Gateway API has no folder")?;
    let file = Path::new(folder).join("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml");
    kubectl.output(&["apply", "--server-side", "--filename", &file.to_string_lossy()])?;
    kubectl.output(&["wait", DEFINITION, "--for=condition=Established", "--timeout=30s"])?;
    // Just established, it may answer 429 for a moment; kubectl waits for as long as the API server says.
    kubectl.output(&["get", "httproutes", "--all-namespaces"]).map(drop)
}
