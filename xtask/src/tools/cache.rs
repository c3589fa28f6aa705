//! Folders of programs in the cache: complete, or not there.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::program;

/// Gives a folder of programs its name in the cache, in the place of a damaged one. Written to the disk before, so that a
/// name never stands for less, even after a power cut.
pub(super) fn keep(unfinished: &Path, target: &Path) -> Result<()> {
    for entry in fs::read_dir(unfinished)? {
        fs::File::open(entry?.path())?.sync_all()?;
    }
    if target.exists() {
        fs::remove_dir_all(target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    fs::rename(unfinished, target).with_context(|| format!("cannot make {}", target.display()))
}

/// Whether a folder of the cache holds these programs.
pub(super) fn are_whole(folder: &Path, programs: &[&str]) -> bool {
    programs.iter().all(|program| is_whole(&folder.join(program)))
}

/// Whether a program is there, with something in it.
pub(crate) fn is_whole(program: &Path) -> bool {
    program::is_program(program) && program.metadata().is_ok_and(|file| file.len() > 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Path, are_whole, fs, keep};

    #[test]
    fn a_damaged_folder_of_the_cache_is_none() {
        let cache = tempfile::tempdir().unwrap();
        let (unfinished, target) = (cache.path().join("unfinished"), cache.path().join("tool"));
        let is_whole = || are_whole(&target, &["program", "other"]);
        let write = |folder: &Path, name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        };
        assert!(!is_whole());
        fs::create_dir(&target).unwrap();
        write(&target, "program", "whole");
        assert!(!is_whole(), "one is missing");
        write(&target, "other", "");
        assert!(!is_whole(), "one is empty");
        fs::create_dir(&unfinished).unwrap();
        for name in ["program", "other"] {
            write(&unfinished, name, "whole");
        }
        keep(&unfinished, &target).unwrap();
        assert!(is_whole() && !unfinished.exists());
    }
}
