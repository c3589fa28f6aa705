//! What is started, in which order, and what it needs before.

use std::{fs, os::unix::fs::symlink};

use anyhow::{Context as _, Result};

use super::{
    BASE, Cluster, KUBERNETES, buildkit, certificates, cgroups, containerd, control_plane,
    daemon::Daemon,
    dns,
    docker::Engine,
    etcd, gateway, ingress, kubelet,
    network::{self, Namespace},
    pause, registry,
};
use crate::progress;

impl Cluster {
    /// Starts what does not run of Kubernetes. Whether that was anything.
    pub(super) fn start(&self) -> Result<bool> {
        Namespace::of_node(self.slot).up().context("cannot set up the node's network")?;
        certificates::issue(&self.layout, self.slot).context("cannot issue the cluster's certificates")?;
        let mut changed = self.start_base()?;
        for group in KUBERNETES {
            changed |= self.start_group(group)?;
            if group.contains(&"containerd") {
                pause::build(self).context("cannot build the pods' first image")?;
            }
        }
        Ok(self.become_ready()? || changed)
    }

    /// The same of the Docker engines.
    pub(super) fn start_docker(&self) -> Result<bool> {
        let mut changed = self.start_base()?;
        for engine in Engine::ALL {
            changed |= engine.start(self)?;
        }
        Ok(changed)
    }

    pub(super) fn start_base(&self) -> Result<bool> {
        self.link_programs()?;
        cgroups::make(&network::name(self.slot))?;
        self.start_group(&BASE)
    }

    fn start_group(&self, names: &[&str]) -> Result<bool> {
        self.start_daemons(&names.iter().map(|name| self.daemon(name)).collect::<Vec<_>>())
    }

    /// Starts those that do not run, at once, and waits for them. Whether there were any.
    pub(super) fn start_daemons(&self, daemons: &[Daemon]) -> Result<bool> {
        let unwell: Vec<&Daemon> = daemons.iter().filter(|daemon| !daemon.is_well(&self.layout)).collect();
        if unwell.is_empty() {
            return Ok(false);
        }
        let list = unwell.iter().map(|daemon| daemon.name).collect::<Vec<_>>().join(", ");
        progress::step(format!("starting {list}"), || {
            for daemon in &unwell {
                daemon.start(&self.layout)?;
            }
            unwell.iter().try_for_each(|daemon| daemon.wait_ready(&self.layout))
        })?;
        Ok(true)
    }

    fn daemon(&self, name: &str) -> Daemon {
        match name {
            "etcd" => etcd::daemon(self),
            "registry" => registry::daemon(self),
            "registry-of-node" => registry::daemon_of_node(self),
            "buildkitd" => buildkit::daemon(self),
            "containerd" => containerd::daemon(self),
            "kube-apiserver" => control_plane::api_server(self),
            "kube-controller-manager" => control_plane::controller_manager(self),
            "kube-scheduler" => control_plane::scheduler(self),
            "kubelet" => kubelet::kubelet(self),
            "kube-proxy" => kubelet::proxy(self),
            "coredns" => dns::daemon(self),
            "traefik" => ingress::daemon(self),
            _ => unreachable!("`BASE` and `KUBERNETES` name only these"),
        }
    }

    /// The objects every cluster has, and a node that takes pods. Whether it had to be waited for.
    fn become_ready(&self) -> Result<bool> {
        let kubectl = self.kubectl();
        let (node, class) = (format!("node/{}", kubelet::NODE), format!("ingressclass/{}", ingress::CLASS));
        let ready = r#"--output=jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#;
        if kubectl
            .output(&["get", &node, &class, gateway::DEFINITION, ready])
            .is_ok_and(|status| status == "True")
        {
            return Ok(false);
        }
        progress::step("waiting for the node", || {
            kubectl.apply(&ingress::class())?;
            gateway::define(&kubectl)?;
            kubectl.output(&["wait", &node, "--for=create", "--timeout=60s"])?;
            kubectl.output(&["wait", &node, "--for=condition=Ready", "--timeout=120s"])?;
            Ok(true)
        })
        .with_context(|| format!("the node is not ready; see {}", self.layout.log("kubelet").display()))
    }

    /// What people call from their shells, found by name.
    fn link_programs(&self) -> Result<()> {
        for name in ["buildctl", "kubectl", "kube-score"] {
            let Some(program) = self.tools.find(name) else { continue };
            let link = self.layout.bin().join(name);
            if fs::read_link(&link).is_ok_and(|target| target == program) {
                continue;
            }
            let _ = fs::remove_file(&link);
            symlink(program, &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
        Ok(())
    }
}
