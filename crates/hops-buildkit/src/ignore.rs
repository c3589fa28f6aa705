//! What a `.dockerignore` leaves of a context.

use crate::{
    filter::{Wanted, select},
    pattern::{InvalidPattern, clean},
    source::{Entry, tree::Tree},
};

/// Why a `.dockerignore` says nothing about a context.
#[derive(Debug, thiserror::Error)]
pub enum InvalidIgnore {
    /// A pattern is not well formed. The daemon refuses to build with it.
    #[error("a pattern cannot be read")]
    Pattern(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The entries are no tree.
    #[error("the files make no tree")]
    Tree(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The entries that a build with this `.dockerignore` can see, in order and with the directories that lead to
/// them: all that can make a difference to its result, apart from the Dockerfile.
pub fn visible(entries: Vec<Entry>, ignore: &str) -> Result<Vec<Entry>, InvalidIgnore> {
    let tree = Tree::new(entries).map_err(|error| InvalidIgnore::Tree(error.into()))?;
    let wanted = Wanted { exclude: patterns(ignore), ..Wanted::default() };
    let selected = select(&tree, &wanted);
    let selected = selected.map_err(|error: InvalidPattern| InvalidIgnore::Pattern(error.into()))?;
    Ok(selected.into_iter().cloned().collect())
}

/// The patterns of a file, tidied as the frontend tidies them (`moby/patternmatcher/ignorefile`).
fn patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines =
        text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
    let tidy = |line: &str| {
        let (takes_back, pattern) = match line.strip_prefix('!') {
            Some(pattern) => ("!", pattern.trim()),
            None => ("", line),
        };
        let pattern = if pattern.is_empty() { String::new() } else { clean(pattern) };
        let pattern = pattern.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&pattern);
        format!("{takes_back}{pattern}")
    };
    lines.map(tidy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Kind, Modified};

    fn check(ignore: &str, paths: &[&str], expected: &[&str]) {
        let kind = Kind::File { size: 0, mode: 0o644 };
        let entry =
            |path: &&str| Entry { path: (*path).into(), kind: kind.clone(), modified: Modified::FIXED };
        let seen = visible(paths.iter().map(entry).collect(), ignore).unwrap();
        let seen = seen.into_iter().filter(|entry| matches!(entry.kind, Kind::File { .. }));
        assert_eq!(seen.map(|entry| entry.path).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_are_read_as_the_frontend_reads_them() {
        let text = "\u{feff}# comment\n\n  /docs/../a/ \n! a/b \n #not a comment\n/\n";
        assert_eq!(patterns(text), ["a", "!a/b", "#not a comment", "/"]);
    }

    #[test]
    fn what_is_hidden_is_not_seen_and_exceptions_are() {
        let all = ["Dockerfile", "api/main.py", "api/notes.md", "node_modules/x/y", "README.md"];
        check("", &all, &["Dockerfile", "README.md", "api/main.py", "api/notes.md", "node_modules/x/y"]);
        check("*\n!api\n**/*.md", &all, &["api/main.py"]);
        check("**/node_modules\nDockerfile", &all, &["README.md", "api/main.py", "api/notes.md"]);
    }

    #[test]
    fn a_pattern_that_the_daemon_refuses_is_refused() {
        let entry =
            Entry { path: "a".into(), kind: Kind::File { size: 0, mode: 0o644 }, modified: Modified::FIXED };
        assert!(matches!(visible(vec![entry], "["), Err(InvalidIgnore::Pattern(_))));
    }
}
