//! What containers leave behind when their runtime is stopped, and tests when they are killed.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::{
    io::Errno,
    mount::{UnmountFlags, unmount},
    process::Signal,
};

use super::{cgroups, identity::Identity, layout::Layout, network, slot::Slot};
use crate::paths;

const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A containerd whose containers are to go.
pub(super) struct Runtime {
    /// The control group of all its containers.
    pub(super) group: String,
    /// Where it listens.
    pub(super) socket: PathBuf,
    /// Where it keeps what it knows of running containers: its state folder.
    pub(super) state: PathBuf,
    /// The name under which its one user keeps containers.
    pub(super) user: &'static str,
}

impl Runtime {
    /// The node's.
    pub(super) fn of_node(layout: &Layout, slot: Slot) -> Self {
        Self {
            group: network::name(slot),
            socket: layout.run("containerd.sock"),
            state: layout.folder("containerd").join("state"),
            user: "k8s.io",
        }
    }
}

/// Kills all containers and the shims that hold them.
pub(super) fn kill_containers(runtime: &Runtime) -> Result<()> {
    let group = &runtime.group;
    // Looked for first: a container that is reported dead is taken off the books, its socket is not.
    let sockets = shim_sockets(runtime);
    let begin = Instant::now();
    // A killed process leaves its group a moment later, and between two looks a fork may have added another.
    while !cgroups::is_empty(group)? {
        cgroups::kill(group)?;
        anyhow::ensure!(
            begin.elapsed() < STOPPED_WITHIN,
            "processes in the control group {group} cannot be killed"
        );
        std::thread::yield_now();
    }
    // The shims last: they are the parents of what was killed, and bury it.
    let shims: Vec<_> = shims(&runtime.socket)?.into_iter().filter_map(|shim| shim.open()).collect();
    for shim in &shims {
        shim.signal(Signal::KILL);
    }
    anyhow::ensure!(
        shims.iter().all(|shim| shim.wait(STOPPED_WITHIN)),
        "a container's shim cannot be killed"
    );
    for socket in sockets {
        // An orderly shim has removed its own.
        let _ = fs::remove_file(socket);
    }
    Ok(())
}

/// Removes mounts, control groups, and files that lie outside of our folder.
pub(super) fn remove(layout: &Layout, slot: Slot) -> Result<()> {
    unmount_below(layout.root())?;
    cgroups::remove(&network::name(slot))?;
    let logs = layout.folder("kubelet");
    remove_files(Path::new("/var/log/containers"), |file| {
        fs::read_link(file).is_ok_and(|target| target.starts_with(&logs))
    });
    remove_network_results(&network::name(slot));
    Ok(())
}

/// What the plugins keep of each pod they joined to a network, as `NETWORK-CONTAINER-INTERFACE`. The pod's loopback is a
/// network of the same name for every cluster, so the containers' ids tell whose it is.
fn remove_network_results(network: &str) {
    let folder = Path::new("/var/lib/cni/results");
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    for name in results_of(network, &names) {
        let _ = fs::remove_file(folder.join(name));
    }
}

fn results_of<'a>(network: &str, names: &'a [String]) -> Vec<&'a str> {
    let prefix = format!("{network}-");
    let ours: Vec<&str> =
        names.iter().filter(|name| name.starts_with(&prefix)).filter_map(|name| id_of(name)).collect();
    let is_ours = |name: &&String| id_of(name).is_some_and(|id| ours.contains(&id));
    names.iter().filter(is_ours).map(String::as_str).collect()
}

fn id_of(result: &str) -> Option<&str> {
    result.rsplit('-').nth(1)
}

/// The processes that hold containers of our containerd: started by it, with its socket as argument.
fn shims(socket: &Path) -> Result<Vec<Identity>> {
    processes(|program, arguments| {
        program.ends_with(b"containerd-shim-runc-v2")
            && arguments.contains(&socket.as_os_str().as_encoded_bytes())
    })
}

/// Ends each `hops up --detach` that a test of this checkout began and, killed itself, did not end: it has a session of its
/// own, and a state that is a test's by its folder.
pub(super) fn kill_detached() -> Result<()> {
    let (programs, states) = (paths::checkout().join("target"), std::env::temp_dir());
    let is_below = |path: &[u8], folder: &Path| Path::new(OsStr::from_bytes(path)).starts_with(folder);
    let found = processes(|program, arguments| {
        let state = arguments.iter().skip_while(|word| **word != b"--state").nth(1);
        is_below(program, &programs)
            && arguments.contains(&b"--detached".as_slice())
            && state.is_some_and(|state| is_below(state, &states))
    })?;
    for process in found.iter().filter_map(Identity::open) {
        process.signal(Signal::KILL);
        anyhow::ensure!(process.wait(STOPPED_WITHIN), "a test's `hops up --detach` cannot be killed");
    }
    Ok(())
}

/// The processes that were started with such a program and such arguments.
fn processes(is_wanted: impl Fn(&[u8], &[&[u8]]) -> bool) -> Result<Vec<Identity>> {
    let is_wanted = |pid: i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.split_first().is_some_and(|(program, arguments)| is_wanted(program, arguments))
    };
    let pids = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids.filter(|pid| is_wanted(*pid)).filter_map(Identity::of).collect())
}

/// The shims' sockets lie in a folder that all containerds of a machine share; each shim's own folder says which is its.
fn shim_sockets(runtime: &Runtime) -> Vec<PathBuf> {
    let tasks = runtime.state.join("io.containerd.runtime.v2.task").join(runtime.user);
    let folders = fs::read_dir(tasks).into_iter().flatten().flatten();
    let addresses = folders.filter_map(|folder| fs::read_to_string(folder.path().join("address")).ok());
    let sockets =
        addresses.filter_map(|address| Some(PathBuf::from(address.trim().strip_prefix("unix://")?)));
    sockets.filter(|socket| socket.starts_with("/run/containerd/s")).collect()
}

fn remove_files(folder: &Path, is_ours: impl Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_ours(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Unmounts all below a folder, the latest first.
pub(super) fn unmount_below(folder: &Path) -> Result<()> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    for place in mounts_below(&table, folder).iter().rev() {
        match unmount(place.as_str(), UnmountFlags::DETACH) {
            // Gone meanwhile: a shim that ends takes its mounts with it.
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot unmount {place}")),
        }
    }
    Ok(())
}

/// Mount points of `/proc/self/mountinfo` below a folder, in the order they were made.
fn mounts_below(table: &str, folder: &Path) -> Vec<String> {
    let places = table.lines().filter_map(|line| line.split(' ').nth(4));
    places.map(unescape).filter(|place| Path::new(place).starts_with(folder)).collect()
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::{Path, mounts_below, results_of};

    #[test]
    fn only_mounts_below_the_folder_are_found() {
        let table = "\
21 1 254:0 / / rw - ext4 /dev/vda rw
30 21 0:40 / /s/a/rootfs rw - overlay overlay rw
31 21 0:41 / /s/a\\040b/shm rw - tmpfs shm rw
32 21 0:42 / /other rw - tmpfs t rw
33 21 0:43 / /s2 rw - tmpfs t rw";
        assert_eq!(mounts_below(table, Path::new("/s")), ["/s/a/rootfs", "/s/a b/shm"]);
    }

    #[test]
    fn a_networks_results_are_found_by_its_containers() {
        let names = ["hops-1-aa-eth0", "hops-10-bb-eth0", "cni-loopback-aa-lo", "cni-loopback-bb-lo"]
            .map(str::to_owned);
        assert_eq!(results_of("hops-1", &names), ["hops-1-aa-eth0", "cni-loopback-aa-lo"]);
    }
}
