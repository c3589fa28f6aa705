//! What Debian provides, installed when missing.

use std::{fs, os::unix::fs::OpenOptionsExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{paths, program, progress};

/// A file to look for, and the Debian package to install when this machine has none. Asking for a program and not for the
/// package leaves a machine alone that has it from elsewhere, such as Docker's own containerd.
type Needed = (&'static str, &'static str);

/// What the base and Kubernetes need.
pub(crate) const CLUSTER: &[Needed] = &[
    ("busybox", "busybox-static"),
    ("cc", "gcc"),
    ("conntrack", "conntrack"),
    ("containerd", "containerd"),
    ("debootstrap", "debootstrap"),
    ("docker-registry", "docker-registry"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("runc", "runc"),
    ("setsid", "util-linux"),
    ("sysctl", "procps"),
    ("tar", "tar"),
    ("/usr/lib/cni/ptp", "containernetworking-plugins"),
];

/// What a Docker engine needs.
pub(crate) const DOCKER: &[Needed] = &[
    ("dockerd", "docker.io"),
    ("docker-init", "docker.io"),
    ("containerd", "containerd"),
    ("iptables", "iptables"),
    ("runc", "runc"),
    ("setsid", "util-linux"),
];

/// What assembling base images needs.
pub(crate) const IMAGES: &[Needed] = &[("debootstrap", "debootstrap"), ("tar", "tar")];

/// What building the current Docker engine needs.
pub(crate) const DOCKER_BUILD: &[Needed] =
    &[("cc", "gcc"), ("pkg-config", "pkg-config"), ("/usr/include/seccomp.h", "libseccomp-dev")];

/// What tests need besides: a certificate authority.
pub(crate) const TESTS: &[Needed] = &[("pebble", "pebble"), ("pebble-challtestsrv", "pebble")];

/// What the benchmark of the proxy needs: a proxy to compare with, and two that make load.
pub(crate) const PROXY_BENCH: &[Needed] =
    &[("/usr/sbin/nginx", "nginx-light"), ("h2load", "nghttp2-client"), ("wrk", "wrk")];

/// Where Debian puts the plugins that connect pods to the network.
pub(crate) const CNI_PLUGINS: &str = "/usr/lib/cni";

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// By the second line it is known again after an interrupted installation.
const NO_SERVICES: &str = "#!/bin/sh\n# For the duration of one `cargo xtask` of HOPS.\nexit 101\n";

/// Installs what is missing. Does nothing, in no time, when nothing is.
pub(crate) fn install(needed: &[&[Needed]]) -> Result<()> {
    if fs::read_to_string(POLICY).is_ok_and(|policy| policy == NO_SERVICES) {
        // Of an installation that was killed; one on its way is waited for.
        let _lock = lock()?;
        let _ = fs::remove_file(POLICY);
    }
    let mut missing: Vec<&str> =
        needed.concat().iter().filter(|(file, _)| !is_there(file)).map(|&(_, package)| package).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !rustix::process::geteuid().is_root() || program::find("apt-get").is_none() {
        bail!("these programs are missing, install them first: {names}");
    }
    progress::step(format!("installing {names}"), || {
        // Two at once would take each other's policy away.
        let _lock = lock()?;
        // Packages with a service start it at once; ours run on their own ports, and Debian's would only be in the way.
        let _policy = NoServices::enforce()?;
        // One broken source of somebody else's must not stop this; what matters is whether the packages can be had.
        let update = program::output(&mut apt(&["update"]));
        // --no-remove: never trade another package, such as a Docker engine, for one of ours.
        let options = ["install", "--yes", "--no-install-recommends", "--no-remove"];
        let install = program::output(apt(&options).args(&missing));
        match (install, update) {
            (Err(install), Err(update)) => Err(install.context(update)),
            (install, _) => install.map(drop),
        }
    })
}

fn lock() -> Result<fs::File> {
    paths::lock(&paths::state()?.join("packages.lock"), |holder| {
        progress::say(format!("waiting for another checkout that installs packages{holder}"));
    })
}

fn is_there(file: &str) -> bool {
    if file.starts_with('/') { Path::new(file).exists() } else { program::find(file).is_some() }
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["--quiet", "--quiet"]);
    // Another apt, such as that of unattended upgrades, is waited for.
    command.args(["--option", "DPkg::Lock::Timeout=600"]).args(arguments);
    command
}

/// While this lives, installed packages do not start their services. A policy that the machine already has stays.
struct NoServices {
    made: bool,
}

impl NoServices {
    fn enforce() -> Result<Self> {
        use std::io::Write as _;
        if Path::new(POLICY).exists() {
            return Ok(Self { made: false });
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY)
            .with_context(|| format!("cannot write {POLICY}"))?;
        file.write_all(NO_SERVICES.as_bytes())?;
        Ok(Self { made: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.made && fs::remove_file(POLICY).is_err() {
            progress::say(format!("hint: remove {POLICY}, it keeps packages from starting their services"));
        }
    }
}
