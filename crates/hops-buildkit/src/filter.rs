//! Which entries of a tree the daemon asked for.

use crate::{
    pattern::{Glob, InvalidPattern, Matched, Patterns, clean},
    source::{
        Entry, Kind,
        tree::{Tree, lies_in},
    },
};

/// What the daemon wants of a tree, as it says in the request's metadata.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Only these, when there are any.
    pub(crate) include: Vec<String>,
    /// Not these.
    pub(crate) exclude: Vec<String>,
    /// These too, and what they point to when they are symbolic links.
    pub(crate) follow: Vec<String>,
}

/// A directory on the way to the entry that is looked at.
struct Open<'tree> {
    entry: &'tree Entry,
    include: Matched,
    exclude: Matched,
    is_selected: bool,
}

/// The wanted entries in the tree's order, with the directories that lead to them.
pub(crate) fn select<'tree>(tree: &'tree Tree, wanted: &Wanted) -> Result<Vec<&'tree Entry>, InvalidPattern> {
    let mut include = wanted.include.clone();
    if !wanted.follow.is_empty() {
        include.extend(followed(tree, &wanted.follow)?);
        if include.iter().any(|path| path == ".") {
            include.clear();
        }
    }
    let include = Patterns::parse(&include)?;
    let exclude = Patterns::parse(&wanted.exclude)?;

    let mut open: Vec<Open<'_>> = Vec::new();
    let mut selected = Vec::new();
    for entry in tree.entries() {
        while open.last().is_some_and(|parent| !lies_in(&entry.path, &parent.entry.path)) {
            open.pop();
        }
        let parent = open.last();
        let (is_included, included) = include.matches(&entry.path, parent.map(|parent| &parent.include));
        let (is_excluded, excluded) = exclude.matches(&entry.path, parent.map(|parent| &parent.exclude));
        let is_selected = (include.is_empty() || is_included) && !is_excluded;
        if is_selected {
            for parent in open.iter_mut().filter(|parent| !parent.is_selected) {
                parent.is_selected = true;
                selected.push(parent.entry);
            }
            selected.push(entry);
        }
        if matches!(entry.kind, Kind::Directory { .. }) {
            open.push(Open { entry, include: included, exclude: excluded, is_selected });
        }
    }
    Ok(selected)
}

/// As Linux: a chain of more links is a circle.
const LINKS: usize = 40;

/// The paths themselves, and every place that a symbolic link on their way points to. `.` stands for all.
fn followed(tree: &Tree, paths: &[String]) -> Result<Vec<String>, InvalidPattern> {
    let mut found = Vec::new();
    for path in paths {
        follow(tree, &clean(&format!("/{path}"))[1..], LINKS, &mut found)?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn follow(tree: &Tree, path: &str, links: usize, found: &mut Vec<String>) -> Result<(), InvalidPattern> {
    if path.is_empty() {
        found.push(".".to_owned());
        return Ok(());
    }
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        let (here, rest) = (&path[..end], &path[end..]);
        let targets = targets(tree, here)?;
        if !targets.is_empty() {
            found.push(here.to_owned());
            if links > 0 {
                for target in targets {
                    let next = clean(&format!("/{target}{rest}"));
                    follow(tree, &next[1..], links - 1, found)?;
                }
            }
            return Ok(());
        }
    }
    found.push(path.to_owned());
    Ok(())
}

/// Where the symbolic links at a path point, as paths from the root; the last component may have wildcards.
fn targets(tree: &Tree, path: &str) -> Result<Vec<String>, InvalidPattern> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let target = |entry: &Entry| match &entry.kind {
        Kind::Symlink { target } if target.starts_with('/') => Some(clean(target)[1..].to_owned()),
        Kind::Symlink { target } => Some(clean(&format!("/{directory}/{target}"))[1..].to_owned()),
        _ => None,
    };
    if !name.contains(['*', '?', '[']) {
        return Ok(tree.get(path).and_then(target).into_iter().collect());
    }
    let glob = Glob::parse(name)?;
    let name_of = |entry: &Entry| entry.path.rsplit('/').next().is_some_and(|name| glob.matches(name));
    Ok(tree.children(directory).filter(|entry| name_of(entry)).filter_map(target).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Files, Source};

    async fn check(files: Files, wanted: Wanted, expected: &[&str]) {
        let tree = Tree::new(files.entries().await.unwrap()).unwrap();
        let selected = select(&tree, &wanted).unwrap();
        assert_eq!(selected.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), expected);
    }

    fn wanted(include: &[&str], exclude: &[&str], follow: &[&str]) -> Wanted {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Wanted { include: own(include), exclude: own(exclude), follow: own(follow) }
    }

    fn app() -> Files {
        Files::new()
            .file("Dockerfile", "")
            .file("api/main.py", "")
            .file("api/tests/test_main.py", "")
            .file("docs/a.md", "")
            .file("docs/b.txt", "")
            .symlink("current", "api")
            .symlink("docs/up", "../shared/x")
            .symlink("loop", "loop/again")
            .symlink("root", "/")
            .file("shared/x", "")
    }

    #[tokio::test]
    async fn excluded_directories_reappear_for_what_is_taken_back() {
        let wanted = wanted(&[], &["*", "!docs/*.md", "!api/tests"], &[]);
        check(app(), wanted, &["api", "api/tests", "api/tests/test_main.py", "docs", "docs/a.md"]).await;
    }

    #[tokio::test]
    async fn included_files_bring_their_directories() {
        check(app(), wanted(&["api/tests/*.py"], &[], &[]), &["api", "api/tests", "api/tests/test_main.py"])
            .await;
    }

    #[tokio::test]
    async fn a_followed_link_brings_its_target() {
        let wanted_api = wanted(&[], &["**/tests"], &["current/main.py", "/docs/../current/absent"]);
        check(app(), wanted_api, &["api", "api/main.py", "current"]).await;
        check(app(), wanted(&[], &[], &["docs/u*"]), &["docs", "docs/up", "shared", "shared/x"]).await;
    }

    #[tokio::test]
    async fn a_circle_of_links_ends() {
        check(app(), wanted(&[], &[], &["loop"]), &["loop"]).await;
    }

    #[tokio::test]
    async fn a_link_to_the_root_brings_everything() {
        let all = Tree::new(app().entries().await.unwrap()).unwrap();
        let all: Vec<_> = all.entries().iter().map(|entry| entry.path.as_str()).collect();
        check(app(), wanted(&[], &[], &["root"]), &all).await;
    }
}
