//! What a commit refers to without holding it.

use std::fmt;

use crate::{Blobs, EntryKind, GitError, Tree};

/// Something that a build from this commit will not find, worth telling before it fails on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caveat {
    /// Submodules: their directories are empty.
    Submodules {
        /// Where they lie.
        paths: Vec<String>,
    },
    /// Files in Git LFS: their content is a few lines that say where the real one is.
    LargeFiles {
        /// The `.gitattributes` that says so.
        attributes: String,
    },
}

impl Caveat {
    /// All that apply to a commit.
    pub async fn of(tree: &Tree, blobs: &Blobs) -> Result<Vec<Self>, GitError> {
        let mut found = Vec::new();
        let submodules = tree.entries().iter().filter(|entry| entry.kind == EntryKind::Submodule);
        let paths: Vec<_> = submodules.map(|entry| entry.path.to_string()).collect();
        if !paths.is_empty() {
            found.push(Self::Submodules { paths });
        }
        let is_attributes = |name: Option<&str>| name == Some(".gitattributes");
        for entry in tree.entries().iter().filter(|entry| is_attributes(entry.path.file_name())) {
            let text = blobs.read(&entry.object).await?;
            if String::from_utf8_lossy(&text).lines().any(puts_in_lfs) {
                found.push(Self::LargeFiles { attributes: entry.path.to_string() });
                break;
            }
        }
        Ok(found)
    }
}

fn puts_in_lfs(line: &str) -> bool {
    !line.trim_start().starts_with('#')
        && line.split_whitespace().skip(1).any(|attribute| attribute == "filter=lfs")
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submodules { paths } => write!(
                f,
                "submodules are not fetched, so the build finds nothing in `{}`; commit the files themselves, or fetch \
                 them in the Dockerfile",
                paths.join("`, `")
            ),
            Self::LargeFiles { attributes } => write!(
                f,
                "`{attributes}` puts files in Git LFS, which is not fetched: the build finds pointers instead of \
                 content; commit the files themselves, or fetch them in the Dockerfile"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lfs_is_known_by_its_filter() {
        assert!(puts_in_lfs("*.psd filter=lfs diff=lfs merge=lfs -text"));
        assert!(!puts_in_lfs("# *.psd filter=lfs"));
        assert!(!puts_in_lfs("filter=lfs text"));
    }
}
