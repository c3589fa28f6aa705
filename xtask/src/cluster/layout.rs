//! The cluster's folder: one per checkout, outside of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{identity::boot, slot::Slot};
use crate::{digest::Key, paths, program, progress};

/// What `down` forgets. The rest (`registry`, `buildkit`, the slot) saves time at the next `up`.
const FORGOTTEN: [&str; 8] =
    ["boot", "certificates", "configuration", "containerd", "etcd", "kubelet", "network", "run"];

/// The longest path that a Unix socket can have, with room for the names of ours.
const LONGEST: usize = 70;

/// Paths of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Of this checkout.
    pub(super) fn of_checkout() -> Result<Self> {
        let checkout = paths::checkout().canonicalize()?;
        let name = checkout.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let key = Key::new().with(checkout.as_os_str().as_encoded_bytes()).finish();
        let root = paths::state()?.join("clusters").join(format!("{name}-{}", &key[..8]));
        if root.as_os_str().len() > LONGEST {
            bail!(
                "{} is too long a path for sockets, {LONGEST} bytes are possible\nhint: set HOPS_STATE to a shorter folder",
                root.display()
            );
        }
        Ok(Self { root })
    }

    /// Of the demo on Docker, one a machine: it has the machine's own ports and its own engine.
    pub(super) fn of_demo() -> Result<Self> {
        Ok(Self { root: paths::state()?.join("demo") })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A socket or process file.
    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.root.join("run").join(name)
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    pub(super) fn certificate(&self, name: &str) -> PathBuf {
        self.root.join("certificates").join(name)
    }

    pub(super) fn configuration(&self, name: &str) -> PathBuf {
        self.root.join("configuration").join(name)
    }

    /// What the demo keeps: its repository, and the state of its server.
    pub(crate) fn demo(&self) -> PathBuf {
        self.root.join("demo")
    }

    /// What the benchmarks work with, made anew by each run.
    pub(crate) fn bench(&self) -> PathBuf {
        self.root.join("bench")
    }

    /// The administrator's kubeconfig.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.certificate("admin.kubeconfig")
    }

    /// Links to the programs that people want in their PATH.
    pub(super) fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    pub(crate) fn make(&self) -> Result<()> {
        for name in ["bin", "certificates", "configuration", "log", "run"] {
            let folder = self.folder(name);
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(())
    }

    /// Held while something is started or stopped; a second caller waits.
    pub(super) fn lock(&self) -> Result<fs::File> {
        self.lock_for("lock", "cargo xtask cluster")
    }

    /// Held by a run of the tests: two would end each other's daemons.
    pub(super) fn lock_tests(&self) -> Result<fs::File> {
        self.lock_for("tests.lock", "cargo xtask test")
    }

    /// Held while base images are made: two would work in the same folders.
    pub(crate) fn lock_images(&self) -> Result<fs::File> {
        self.lock_for("images.lock", "cargo xtask images")
    }

    fn lock_for(&self, name: &str, task: &str) -> Result<fs::File> {
        paths::lock(&self.folder(name), |holder| {
            progress::say(format!("waiting for another `{task}` of this checkout{holder}"));
        })
    }

    /// Present while all that runs was started by a run of the tests.
    pub(super) fn of_tests(&self) -> PathBuf {
        self.folder("of-tests")
    }

    /// The slot picked earlier.
    pub(crate) fn slot(&self) -> Option<Slot> {
        Slot::parse(&fs::read_to_string(self.folder("slot")).ok()?)
    }

    /// The slot picked earlier, or a free one, kept from now on.
    pub(super) fn claim_slot(&self) -> Result<Slot> {
        if let Some(slot) = self.slot() {
            return Ok(slot);
        }
        let clusters = self.root.parent().expect("the folder lies in that of all clusters");
        // Two checkouts that start at once must not pick the same.
        let _lock = paths::lock(&clusters.join(".lock"), |_| {})?;
        let others = fs::read_dir(clusters)?.flatten().map(|entry| Self { root: entry.path() });
        let held: BTreeSet<Slot> = others.filter_map(|other| other.slot()).collect();
        let routes = program::output(&mut program::command(["ip", "-4", "route", "show", "table", "all"]))?;
        let slot = Slot::pick(&held, &routes)?;
        fs::write(self.folder("slot"), slot.number().to_string())?;
        Ok(slot)
    }

    /// Whether what lies here was made before the machine was last started, and so describes nothing that runs.
    pub(super) fn is_of_an_earlier_boot(&self) -> bool {
        fs::read_to_string(self.folder("boot")).is_ok_and(|text| text != boot())
    }

    pub(super) fn remember_boot(&self) -> Result<()> {
        Ok(fs::write(self.folder("boot"), boot())?)
    }

    /// Removes the cluster's memory; with `everything` also images, build cache and logs, and gives the slot back.
    pub(super) fn forget(&self, everything: bool) -> Result<()> {
        if everything {
            return remove(&self.root);
        }
        FORGOTTEN.iter().try_for_each(|name| remove(&self.folder(name)))
    }
}

pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
