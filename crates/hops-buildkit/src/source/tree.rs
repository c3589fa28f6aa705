//! Entries in the order and completeness that the daemon demands.

use std::collections::BTreeMap;

use super::{Entry, Kind, Modified};

/// Entries sorted component by component, every parent present and a directory.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    entries: Vec<Entry>,
}

/// Why entries make no tree.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum InvalidTree {
    #[error("`{0}` is not a clean relative path")]
    Path(String),
    #[error("`{0}` is listed twice")]
    Twice(String),
    #[error("`{0}` lies in `{1}`, which is not a directory")]
    NotInDirectory(String, String),
}

impl Tree {
    pub(crate) fn new(entries: Vec<Entry>) -> Result<Self, InvalidTree> {
        let mut sorted: BTreeMap<Vec<String>, Entry> = BTreeMap::new();
        for entry in entries {
            let key: Vec<String> = entry.path.split('/').map(str::to_owned).collect();
            let is_clean = |part: &String| !matches!(part.as_str(), "" | "." | "..") && !part.contains('\0');
            if !key.iter().all(is_clean) {
                return Err(InvalidTree::Path(entry.path));
            }
            if let Some(twin) = sorted.insert(key, entry) {
                return Err(InvalidTree::Twice(twin.path));
            }
        }
        let mut tree = Self { entries: Vec::with_capacity(sorted.len()) };
        // Directories on the way to the last entry, as indices.
        let mut open: Vec<usize> = Vec::new();
        for (key, entry) in sorted {
            while open.last().is_some_and(|&parent| !lies_in(&entry.path, &tree.entries[parent].path)) {
                open.pop();
            }
            if let Some(&parent) = open.last()
                && !matches!(tree.entries[parent].kind, Kind::Directory { .. })
            {
                return Err(InvalidTree::NotInDirectory(entry.path, tree.entries[parent].path.clone()));
            }
            for depth in open.len() + 1..key.len() {
                let path = key[..depth].join("/");
                open.push(tree.entries.len());
                tree.entries.push(Entry {
                    path,
                    kind: Kind::Directory { mode: 0o755 },
                    modified: Modified::FIXED,
                });
            }
            open.push(tree.entries.len());
            tree.entries.push(entry);
        }
        Ok(tree)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.binary_search_by(|entry| compare(&entry.path, path)).ok().map(|at| &self.entries[at])
    }

    /// What lies directly in a directory, `""` for the root.
    pub(crate) fn children<'tree>(&'tree self, directory: &'tree str) -> impl Iterator<Item = &'tree Entry> {
        self.entries.iter().filter(move |entry| match entry.path.rsplit_once('/') {
            Some((parent, _)) => parent == directory,
            None => directory.is_empty(),
        })
    }
}

/// Component by component, bytewise: `a/z` before `a-b`, because `a` is before `a-b`.
fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    left.split('/').cmp(right.split('/'))
}

pub(crate) fn lies_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(path: &str) -> Entry {
        Entry { path: path.into(), kind: Kind::File { size: 0, mode: 0o644 }, modified: Modified::FIXED }
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.entries().iter().map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn parents_appear_and_components_sort_as_the_daemon_demands() {
        let tree = Tree::new(["a-b", "a/z", "a.txt", "B", "a/b/c", "é", ".x"].map(file).into()).unwrap();
        assert_eq!(paths(&tree), [".x", "B", "a", "a/b", "a/b/c", "a/z", "a-b", "a.txt", "é"]);
        assert_eq!(tree.get("a/b").unwrap().kind, Kind::Directory { mode: 0o755 });
        assert_eq!(tree.children("a").map(|entry| &*entry.path).collect::<Vec<_>>(), ["a/b", "a/z"]);
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for path in ["", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\0"] {
            assert_eq!(Tree::new(vec![file(path)]).unwrap_err(), InvalidTree::Path(path.into()));
        }
        assert_eq!(Tree::new(vec![file("a"), file("a")]).unwrap_err(), InvalidTree::Twice("a".into()));
        assert_eq!(
            Tree::new(vec![file("a"), file("a/b/c")]).unwrap_err(),
            InvalidTree::NotInDirectory("a/b/c".into(), "a".into())
        );
    }

    proptest! {
        /// The daemon's own rule: in each directory names strictly rise, and a parent comes before its children.
        #[test]
        fn any_tree_passes_the_daemons_order_check(names in prop::collection::vec("[a-c.\\-é]{1,3}(/[a-c.\\-]{1,2}){0,3}", 0..30)) {
            let Ok(tree) = Tree::new(names.iter().map(|name| file(name)).collect()) else { return Ok(()) };
            let mut last: std::collections::HashMap<&str, &str> = std::collections::HashMap::new();
            let mut seen = std::collections::HashSet::from([""]);
            for path in paths(&tree) {
                let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
                prop_assert!(seen.contains(parent));
                prop_assert!(last.insert(parent, name).is_none_or(|before| before < name));
                seen.insert(path);
                prop_assert!(tree.get(path).is_some());
            }
        }
    }
}
