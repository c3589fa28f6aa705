//! Files in memory.

use std::{collections::BTreeMap, io};

use async_trait::async_trait;
use tokio::io::AsyncRead;

use super::{Entry, Kind, Modified, Source};

/// A handful of files in memory: a generated Dockerfile, a test.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, (Kind, Vec<u8>)>);

impl Files {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a plain file, mode 644.
    #[must_use]
    pub fn file(self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.file_with_mode(path, 0o644, content)
    }

    /// With a file of the given mode.
    #[must_use]
    pub fn file_with_mode(mut self, path: impl Into<String>, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        self.0.insert(path.into(), (Kind::File { size: content.len() as u64, mode }, content));
        self
    }

    /// With a symbolic link.
    #[must_use]
    pub fn symlink(mut self, path: impl Into<String>, target: impl Into<String>) -> Self {
        self.0.insert(path.into(), (Kind::Symlink { target: target.into() }, Vec::new()));
        self
    }

    /// With a directory, for one that is empty.
    #[must_use]
    pub fn directory(mut self, path: impl Into<String>) -> Self {
        self.0.insert(path.into(), (Kind::Directory { mode: 0o755 }, Vec::new()));
        self
    }
}

#[async_trait]
impl Source for Files {
    async fn entries(&self) -> io::Result<Vec<Entry>> {
        let entry = |(path, (kind, content)): (&String, &(Kind, Vec<u8>))| Entry {
            path: path.clone(),
            kind: kind.clone(),
            modified: Modified::of_bytes(content),
        };
        Ok(self.0.iter().map(entry).collect())
    }

    async fn open(&self, path: &str) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        match self.0.get(path) {
            Some((Kind::File { .. }, content)) => Ok(Box::new(io::Cursor::new(content.clone()))),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
