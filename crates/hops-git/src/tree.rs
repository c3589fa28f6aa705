//! What a commit holds.

use hops_model::RepoPath;

use crate::{GitError, ObjectId};

/// Every file of a commit, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(Vec<TreeEntry>);

/// One file of a commit. Git knows no directories of their own, and so no empty ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Where it lies.
    pub path: RepoPath,
    /// What it is.
    pub kind: EntryKind,
    /// Its content: of a file the bytes, of a link the target; of a submodule the commit, which is not here.
    pub object: ObjectId,
    /// In bytes; 0 for a submodule.
    pub size: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file that may be executed.
    Executable,
    /// A symbolic link.
    Symlink,
    /// Another repository's commit; its files are not part of this one.
    Submodule,
}

impl Tree {
    /// The entries, sorted by path.
    pub fn entries(&self) -> &[TreeEntry] {
        &self.0
    }

    /// The entry at a path; none for a directory.
    pub fn get(&self, path: &RepoPath) -> Option<&TreeEntry> {
        self.0.binary_search_by(|entry| entry.path.cmp(path)).ok().map(|at| &self.0[at])
    }

    /// From `git ls-tree -r -z -l --full-tree`.
    pub(crate) fn parse(listing: &[u8]) -> Result<Self, GitError> {
        let lines = listing.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let mut entries = lines.map(TreeEntry::parse).collect::<Result<Vec<_>, _>>()?;
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self(entries))
    }
}

impl TreeEntry {
    /// From one line: mode, type, object, size (padded with blanks), a tab, the path.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, GitError> {
        let lossy = String::from_utf8_lossy(line);
        let answer =
            || GitError::Answer { operation: "ls-tree".to_owned(), answer: lossy.clone().into_owned() };
        let tab = line.iter().position(|byte| *byte == b'\t').ok_or_else(answer)?;
        let facts = str::from_utf8(&line[..tab]).map_err(|_| answer())?;
        let path = str::from_utf8(&line[tab + 1..]).map_err(|_| GitError::PathNotUtf8 {
            path: String::from_utf8_lossy(&line[tab + 1..]).into_owned(),
        })?;
        let mut facts = facts.split_ascii_whitespace();
        let (mode, object_type) = (facts.next(), facts.next());
        let kind = match (mode, object_type) {
            // Very old repositories have files of mode 100664.
            (Some("100755"), Some("blob")) => EntryKind::Executable,
            (Some("120000"), Some("blob")) => EntryKind::Symlink,
            (Some("160000"), Some("commit")) => EntryKind::Submodule,
            (Some(_), Some("blob")) => EntryKind::File,
            _ => return Err(answer()),
        };
        let object = facts.next().and_then(ObjectId::parse).ok_or_else(answer)?;
        let size = match facts.next() {
            Some("-") => 0,
            size => size.and_then(|size| size.parse().ok()).ok_or_else(answer)?,
        };
        let path = RepoPath::parse(path).ok().filter(|parsed| parsed.as_str() == path).ok_or_else(answer)?;
        Ok(Self { path, kind, object, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

    #[test]
    fn every_kind_and_odd_names_are_read() {
        let listing = format!(
            "100644 blob {ID}       0\ta\nb\x00100755 blob {ID}      12\té \" x\x00120000 blob {ID}       3\tlink\x00\
             160000 commit {ID}       -\tvendor/lib\x00"
        );
        let tree = Tree::parse(listing.as_bytes()).unwrap();
        let seen: Vec<_> =
            tree.entries().iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
        assert_eq!(
            seen,
            [
                ("a\nb", EntryKind::File, 0),
                ("link", EntryKind::Symlink, 3),
                ("vendor/lib", EntryKind::Submodule, 0),
                ("é \" x", EntryKind::Executable, 12),
            ]
        );
        assert_eq!(tree.get(&RepoPath::parse("link").unwrap()).unwrap().kind, EntryKind::Symlink);
        assert!(tree.get(&RepoPath::parse("vendor").unwrap()).is_none());
    }

    #[test]
    fn a_name_that_is_not_utf8_is_named() {
        let mut listing = format!("100644 blob {ID} 0\tcaf").into_bytes();
        listing.extend(b"\xe9.txt\0");
        let error = Tree::parse(&listing).unwrap_err();
        assert!(matches!(&error, GitError::PathNotUtf8 { path } if path == "caf\u{fffd}.txt"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_git_could_say_is_a_panic(listing: Vec<u8>) {
            let _ = Tree::parse(&listing);
        }
    }
}
