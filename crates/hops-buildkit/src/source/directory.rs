//! A directory of this machine.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use tokio::io::AsyncRead;

use super::{Entry, Kind, Modified, Source};

/// A directory of this machine, as it is. Symbolic links are sent as links, never followed; sockets, pipes and
/// devices are left out.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// The directory need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

#[async_trait]
impl Source for Directory {
    async fn entries(&self) -> io::Result<Vec<Entry>> {
        let root = self.0.clone();
        tokio::task::spawn_blocking(move || {
            let mut entries = Vec::new();
            list(&root, "", &mut entries)?;
            Ok(entries)
        })
        .await
        .map_err(io::Error::other)?
    }

    async fn open(&self, path: &str) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        Ok(Box::new(tokio::fs::File::open(self.0.join(path)).await?))
    }
}

fn list(directory: &Path, prefix: &str, entries: &mut Vec<Entry>) -> io::Result<()> {
    for found in fs::read_dir(directory).map_err(|error| at(directory, &error))? {
        let found = found?;
        let path = found.path();
        let name = found.file_name();
        let name = name.to_str().ok_or_else(|| at(&path, &"its name is not UTF-8"))?;
        let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let metadata = found.metadata().map_err(|error| at(&path, &error))?;
        let mode = metadata.permissions().mode() & 0o7777;
        let kind = if metadata.is_dir() {
            list(&path, &relative, entries)?;
            Kind::Directory { mode }
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| at(&path, &error))?;
            let target = target.to_str().ok_or_else(|| at(&path, &"its target is not UTF-8"))?;
            Kind::Symlink { target: target.to_owned() }
        } else if metadata.is_file() {
            Kind::File { size: metadata.len(), mode }
        } else {
            continue;
        };
        let nanoseconds = u32::try_from(metadata.mtime_nsec()).unwrap_or_default();
        entries.push(Entry { path: relative, kind, modified: Modified::new(metadata.mtime(), nanoseconds) });
    }
    Ok(())
}

fn at(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_is_listed_with_links_and_modes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();
        fs::write(folder.path().join("run"), "#!").unwrap();
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o751)).unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let mut entries = Directory::new(folder.path()).entries().await.unwrap();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let kinds: Vec<_> = entries.iter().map(|entry| (entry.path.as_str(), entry.kind.clone())).collect();
        assert!(matches!(kinds[0], ("empty", Kind::Directory { .. })));
        assert_eq!(kinds[1], ("link", Kind::Symlink { target: "/nowhere".into() }));
        assert_eq!(kinds[2], ("run", Kind::File { size: 2, mode: 0o751 }));
        assert_eq!(kinds.len(), 3);
    }

    #[tokio::test]
    async fn a_missing_directory_is_named() {
        let error = Directory::new("/no/such/place").entries().await.unwrap_err();
        assert!(error.to_string().starts_with("/no/such/place: "), "{error}");
    }
}
