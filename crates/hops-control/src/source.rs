//! A commit's files, as `hops-manifest` reads them.

use std::collections::BTreeSet;

use hops_git::{Blobs, EntryKind, GitError, Repository};
use hops_manifest::{Entry, FILE_NAME, MAX_FILE_BYTES, MemoryTree};
use hops_model::{CommitId, RepoPath};

/// The part of a commit that a manifest can be about: directories, links, Dockerfiles, and the content of every
/// `iterapp.toml`. Nothing else is read from the repository.
pub async fn manifest_tree(repository: &Repository, commit: &CommitId) -> Result<MemoryTree, GitError> {
    let blobs = Blobs::new(repository);
    let mut tree = MemoryTree::new();
    let mut directories = BTreeSet::new();
    for entry in repository.tree(commit).await?.entries() {
        let mut path = entry.path.as_str();
        while let Some((parent, _)) = path.rsplit_once('/') {
            if !directories.insert(parent.to_owned()) {
                break;
            }
            path = parent;
        }
        let content = match entry.kind {
            EntryKind::Symlink => Entry::Symlink,
            EntryKind::Submodule => Entry::Directory,
            EntryKind::File | EntryKind::Executable => match entry.path.file_name() {
                Some(FILE_NAME) if entry.size > MAX_FILE_BYTES => Entry::TooLarge { size: entry.size },
                Some(FILE_NAME) => Entry::File(blobs.read(&entry.object).await?),
                Some("Dockerfile") => Entry::File(Vec::new()),
                _ => continue,
            },
        };
        tree = tree.with_entry(entry.path.clone(), content);
    }
    for directory in directories {
        if let Ok(path) = RepoPath::parse(&directory) {
            tree = tree.with_entry(path, Entry::Directory);
        }
    }
    Ok(tree)
}
