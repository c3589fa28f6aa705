//! Where things lie: the checkout, the cache that all checkouts share, and the state of clusters. Cache and state are
//! outside the checkout, so that `git clean` and a fresh clone cost nothing.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The root of the checkout that this program was built from.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in a folder of the checkout")
}

/// `$HOPS_CACHE`, else `$XDG_CACHE_HOME/hops`, else `~/.cache/hops`: what can be made again at the price of time.
pub(crate) fn cache() -> Result<PathBuf> {
    place("HOPS_CACHE", "XDG_CACHE_HOME", ".cache")
}

/// `$HOPS_STATE`, else `$XDG_STATE_HOME/hops`, else `~/.local/state/hops`: what running clusters need.
pub(crate) fn state() -> Result<PathBuf> {
    place("HOPS_STATE", "XDG_STATE_HOME", ".local/state")
}

/// Waits until no other process holds this file, and says so first where one does. Held until the file is dropped, or the
/// process ends in whatever way.
pub(crate) fn lock(file: &Path, say: impl FnOnce()) -> Result<fs::File> {
    let folder = file.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let held = fs::File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
    if held.try_lock().is_err() {
        say();
        held.lock().with_context(|| format!("cannot lock {}", file.display()))?;
    }
    Ok(held)
}

fn place(own: &str, base: &str, below_home: &str) -> Result<PathBuf> {
    if let Some(path) = variable(own) {
        return std::path::absolute(path).with_context(|| format!("{own} is not a usable path"));
    }
    if let Some(path) = variable(base) {
        return Ok(PathBuf::from(path).join("hops"));
    }
    let home = variable("HOME").with_context(|| format!("neither HOME nor {own} is set"))?;
    Ok(PathBuf::from(home).join(below_home).join("hops"))
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
