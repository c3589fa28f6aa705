//! Files and directories that are replaced as a whole, and that only their owner can read.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Written, not yet in its place.
const NEW: &str = ".new-";
/// Taken from its place by a complete new one.
const OLD: &str = ".old-";

/// Makes a directory for its owner alone, with those above it.
pub(super) fn private_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Replaces a file.
pub(super) fn file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = folder.join(format!("{NEW}{}", path.file_name().unwrap_or_default().to_string_lossy()));
    create(&new, content)?;
    fs::rename(&new, path)?;
    sync(folder)
}

/// Replaces a directory with one of these files. Two renames, which `recover` completes if only the first was done.
pub(super) fn directory(folder: &Path, name: &str, files: &[(&str, &[u8])]) -> io::Result<()> {
    let (new, old, place) =
        (folder.join(format!("{NEW}{name}")), folder.join(format!("{OLD}{name}")), folder.join(name));
    remove(&new)?;
    remove(&old)?;
    private_directory(&new)?;
    for (name, content) in files {
        create(&new.join(name), content)?;
    }
    sync(&new)?;
    if place.exists() {
        fs::rename(&place, &old)?;
    }
    fs::rename(&new, &place)?;
    sync(folder)?;
    remove(&old)
}

/// Completes or removes what a crash left behind.
pub(super) fn recover(folder: &Path) -> io::Result<()> {
    let names: Vec<String> =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    for name in names.iter().filter_map(|name| name.strip_prefix(OLD)) {
        let place = folder.join(name);
        // The old one is only ever moved away by a new one that is complete.
        let new = folder.join(format!("{NEW}{name}"));
        let old = folder.join(format!("{OLD}{name}"));
        if !place.exists() {
            fs::rename(if new.exists() { &new } else { &old }, &place)?;
        }
        remove(&old)?;
    }
    for name in names.iter().filter(|name| name.starts_with(NEW)) {
        remove(&folder.join(name))?;
    }
    sync(folder)
}

fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    // What a crash left behind may have other permissions.
    remove(path)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A rename lasts once its directory is on disk.
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
