//! A directory on disk, seen the way a commit of it would be.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use hops_manifest::{Entry, MAX_FILE_BYTES, Tree};
use hops_model::RepoPath;

/// A directory as a tree. Symbolic links are seen as such, and never followed below the root.
#[derive(Debug)]
pub(crate) struct Directory {
    root: PathBuf,
    /// What could not be read, since a tree's entry has no room for it.
    unreadable: RefCell<Vec<Unreadable>>,
}

/// A path that exists and could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Directory {
    /// The tree below a directory.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), unreadable: RefCell::default() }
    }

    /// The first thing that could not be read so far. Without this, a file without read permission would look as if
    /// it were not there.
    pub(crate) fn finish(self) -> Result<(), Unreadable> {
        match self.unreadable.into_inner().into_iter().next() {
            Some(unreadable) => Err(unreadable),
            None => Ok(()),
        }
    }

    fn look(&self, path: &RepoPath) -> Result<Entry, Unreadable> {
        let mut place = self.root.clone();
        let mut parts = path.as_str().split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            place.push(part);
            let unreadable = |source| Unreadable { path: place.clone(), source };
            let metadata = match fs::symlink_metadata(&place) {
                Ok(metadata) => metadata,
                Err(error) if is_missing(&error) => return Ok(Entry::Missing),
                Err(error) => return Err(unreadable(error)),
            };
            let is_last = parts.peek().is_none();
            let kind = metadata.file_type();
            if kind.is_symlink() {
                return Ok(Entry::Symlink);
            }
            if is_last && kind.is_file() {
                return read(&place, metadata.len()).map_err(unreadable);
            }
            // Sockets, pipes and devices are nothing that Git could hold; opening a pipe would wait for ever.
            if !kind.is_dir() {
                return Ok(Entry::Missing);
            }
        }
        Ok(Entry::Directory)
    }
}

impl Tree for Directory {
    fn entry(&self, path: &RepoPath) -> Entry {
        self.look(path).unwrap_or_else(|unreadable| {
            self.unreadable.borrow_mut().push(unreadable);
            Entry::Missing
        })
    }
}

fn read(path: &Path, size: u64) -> io::Result<Entry> {
    if size > MAX_FILE_BYTES {
        return Ok(Entry::TooLarge { size });
    }
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // The file may have grown since its size was asked for.
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    match content.len() as u64 {
        size if size > MAX_FILE_BYTES => Ok(Entry::TooLarge { size }),
        _ => Ok(Entry::File(content)),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn entry(root: &Path, path: &str) -> Entry {
        Directory::new(root).entry(&RepoPath::parse(path).unwrap())
    }

    #[test]
    fn files_directories_and_nothing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("api")).unwrap();
        fs::write(root.path().join("api/iterapp.toml"), "port = 1").unwrap();
        assert_eq!(entry(root.path(), ""), Entry::Directory);
        assert_eq!(entry(root.path(), "api"), Entry::Directory);
        assert_eq!(entry(root.path(), "api/iterapp.toml"), Entry::File(b"port = 1".to_vec()));
        assert_eq!(entry(root.path(), "api/iterapp.toml/x"), Entry::Missing);
        assert_eq!(entry(root.path(), "web"), Entry::Missing);
    }

    #[test]
    fn links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("iterapp.toml"), "").unwrap();
        symlink(outside.path(), root.path().join("api")).unwrap();
        assert_eq!(entry(root.path(), "api"), Entry::Symlink);
        assert_eq!(entry(root.path(), "api/iterapp.toml"), Entry::Symlink);
    }

    #[test]
    fn a_large_file_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let file = File::create(root.path().join("iterapp.toml")).unwrap();
        file.set_len(MAX_FILE_BYTES + 1).unwrap();
        assert_eq!(entry(root.path(), "iterapp.toml"), Entry::TooLarge { size: MAX_FILE_BYTES + 1 });
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let root = tempfile::tempdir().unwrap();
        let name = "x".repeat(300);
        let directory = Directory::new(root.path());
        assert_eq!(directory.entry(&RepoPath::parse(&name).unwrap()), Entry::Missing);
        assert!(directory.finish().unwrap_err().to_string().contains("cannot read"));
    }
}
