//! Where things lie: the checkout, the cache that all checkouts share, and the state of clusters. Cache and state are
//! outside the checkout, so that `git clean` and a fresh clone cost nothing.

use std::{
    env, fmt, fs,
    io::{Read as _, Seek as _, Write as _},
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

/// Waits until no other process holds this file, and says so first where one does, given which. Held until the file is
/// dropped, or the process ends in whatever way.
pub(crate) fn lock(file: &Path, say: impl FnOnce(Holder)) -> Result<fs::File> {
    let folder = file.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let held = fs::File::options().create(true).truncate(false).read(true).write(true).open(file);
    let mut held = held.with_context(|| format!("cannot make {}", file.display()))?;
    if held.try_lock().is_err() {
        let mut text = String::new();
        // Not written yet, or not readable: nothing to tell.
        let _ = held.read_to_string(&mut text);
        say(Holder(text.trim().parse().ok()));
        held.lock().with_context(|| format!("cannot lock {}", file.display()))?;
    }
    held.set_len(0)?;
    held.rewind()?;
    write!(held, "{}", std::process::id()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(held)
}

/// The process that holds a lock, as far as it said so; displayed with a space before it.
pub(crate) struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, " (process {process})"),
            None => Ok(()),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_who_holds_a_lock() {
        let folder = env::temp_dir().join(format!("hops-lock-{}", std::process::id()));
        let file = folder.join("lock");
        let held = lock(&file, |_| panic!("nobody holds it")).unwrap();
        let mut holder = String::new();
        std::thread::scope(|threads| {
            let (told, is_told) = std::sync::mpsc::channel();
            let wait = || lock(&file, move |holder| told.send(holder.to_string()).unwrap()).unwrap();
            let waiting = threads.spawn(wait);
            holder = is_told.recv().unwrap();
            drop(held);
            drop(waiting.join().unwrap());
        });
        assert_eq!(holder, format!(" (process {})", std::process::id()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
