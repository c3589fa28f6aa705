//! What a `.dockerignore` leaves of a context.

use std::io;

use crate::{
    filter::{Wanted, select},
    pattern::clean,
    source::{Entry, tree::Tree},
};

/// The entries that a `.dockerignore` does not hide, in a fixed order and with the directories that lead to them:
/// all that any `COPY` can see. For telling whether a build would see anything new; a build itself applies the
/// file by itself.
///
/// Fails as a build would: on a malformed pattern, or entries that make no tree.
pub fn not_ignored(entries: Vec<Entry>, dockerignore: &str) -> io::Result<Vec<Entry>> {
    let invalid =
        |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
    let tree = Tree::new(entries).map_err(|error| invalid(&error))?;
    let wanted = Wanted { exclude: patterns(dockerignore), ..Wanted::default() };
    let selected = select(&tree, &wanted).map_err(|error| invalid(&error))?;
    Ok(selected.into_iter().cloned().collect())
}

/// One pattern a line, from the root whether it starts with `/` or not.
fn patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A comment starts at the very beginning of its line: ` #x` is a pattern.
    let lines =
        text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
    let pattern = |line: &str| {
        let (mark, pattern) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest.trim()));
        let pattern = if pattern.is_empty() { String::new() } else { clean(pattern) };
        let relative = pattern.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&pattern);
        format!("{mark}{relative}")
    };
    lines.map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Kind, Modified};

    #[test]
    fn patterns_are_read_line_by_line() {
        let text = "\u{feff}# comment\r\n/a/./b/\r\n\n  ! /keep  \n #not-a-comment\n**/*.pyc\n/\n";
        assert_eq!(patterns(text), ["a/b", "!keep", "#not-a-comment", "**/*.pyc", "/"]);
    }

    #[test]
    fn what_is_hidden_is_gone_and_what_is_left_has_its_directories() {
        let file = |path: &str| Entry {
            path: path.to_owned(),
            kind: Kind::File { size: 0, mode: 0o644 },
            modified: Modified::FIXED,
        };
        let entries = ["web/x", "api/main.py", "api/main.pyc", "README.md"].map(file).to_vec();
        let left = not_ignored(entries.clone(), "*\n!api\n**/*.pyc\n").unwrap();
        assert_eq!(left.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["api", "api/main.py"]);
        assert_eq!(not_ignored(entries.clone(), "").unwrap().len(), 6);
        assert_eq!(not_ignored(entries, "[").unwrap_err().to_string(), "`[` is not a valid pattern");
    }
}
