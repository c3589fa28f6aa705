//! The control group below which all containers run, so that two clusters' kubelets do not share one.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

const ROOT: &str = "/sys/fs/cgroup";

/// Makes the group in every hierarchy (version 1) or in the one (version 2).
pub(super) fn make(name: &str) -> Result<()> {
    if is_version_2() {
        // Without this the group has no controllers, and the kubelet refuses it.
        fs::write(Path::new(ROOT).join("cgroup.subtree_control"), "+cpuset +cpu +io +memory +pids")
            .context("cannot pass the control groups' controllers on")?;
    }
    for hierarchy in hierarchies()? {
        fs::create_dir_all(hierarchy.join(name))
            .with_context(|| format!("cannot make a control group in {}", hierarchy.display()))?;
    }
    Ok(())
}

/// Kills every process in the group.
pub(super) fn kill(name: &str) -> Result<()> {
    for hierarchy in hierarchies()? {
        for group in tree(&hierarchy.join(name)) {
            let list = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            for pid in list.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
                // One that ended meanwhile is no failure.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
    Ok(())
}

/// Whether no process is left in the group.
pub(super) fn is_empty(name: &str) -> Result<bool> {
    let mut groups = hierarchies()?.into_iter().flat_map(|hierarchy| tree(&hierarchy.join(name)));
    Ok(groups.all(|group| fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().is_empty()))
}

/// Removes the group, which must be empty.
pub(super) fn remove(name: &str) -> Result<()> {
    for hierarchy in hierarchies()? {
        for group in tree(&hierarchy.join(name)) {
            match fs::remove_dir(&group) {
                // Gone meanwhile: runc, ended with its container, removes what it made.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => {
                    result.with_context(|| format!("cannot remove the control group {}", group.display()))?;
                }
            }
        }
    }
    Ok(())
}

/// A group and all below it, the deepest first.
fn tree(group: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(group) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found: Vec<PathBuf> = folders.flat_map(|entry| tree(&entry.path())).collect();
    found.push(group.to_owned());
    found
}

fn hierarchies() -> Result<Vec<PathBuf>> {
    if is_version_2() {
        return Ok(vec![PathBuf::from(ROOT)]);
    }
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut found: Vec<PathBuf> = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let place = fields.next()?;
            matches!(fields.next()?, "cgroup" | "cgroup2").then(|| PathBuf::from(place))
        })
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

fn is_version_2() -> bool {
    Path::new(ROOT).join("cgroup.controllers").exists()
}
