//! Where files come from: a commit's tree, a directory, or memory.

use std::collections::BTreeMap;

use hops_model::RepoPath;

/// The largest `iterapp.toml` that is read. Real ones have a few KiB; beyond this it is something else.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A tree of files. Implemented over Git objects by whoever deploys, and over a directory by `hops check`.
pub trait Tree {
    /// What is at a path; the root is always a directory.
    ///
    /// A path that leads through a symbolic link is [`Entry::Symlink`] like the link itself: Git stores links as
    /// text, so nothing is behind them in a commit. A file over [`MAX_FILE_BYTES`] need not be read.
    fn entry(&self, path: &RepoPath) -> Entry;
}

/// What is at a path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file and its content.
    File(Vec<u8>),
    /// A file over [`MAX_FILE_BYTES`], not read.
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link, or something behind one.
    Symlink,
    /// Nothing.
    Missing,
}

/// A tree held in memory. Directories exist where files below them do.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    entries: BTreeMap<RepoPath, Entry>,
}

impl MemoryTree {
    /// A tree without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same tree with a file.
    #[must_use]
    pub fn with_file(self, path: RepoPath, content: impl Into<Vec<u8>>) -> Self {
        self.with_entry(path, Entry::File(content.into()))
    }

    /// The same tree with any entry.
    #[must_use]
    pub fn with_entry(mut self, path: RepoPath, entry: Entry) -> Self {
        self.entries.insert(path, entry);
        self
    }
}

impl Tree for MemoryTree {
    fn entry(&self, path: &RepoPath) -> Entry {
        if let Some(entry) = self.entries.get(path) {
            return entry.clone();
        }
        let below = format!("{}/", path.as_str());
        let is_directory =
            path.is_root() || self.entries.keys().any(|entry| entry.as_str().starts_with(&below));
        if is_directory { Entry::Directory } else { Entry::Missing }
    }
}
