use std::fmt::Write;

use proptest::{
    prelude::*,
    string::{RegexGeneratorStrategy, string_regex},
};

use super::*;

/// Whether the patterns match a path, with every directory on the way asked first.
fn is_matched(patterns: &[&str], path: &str) -> bool {
    let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
    let patterns = Patterns::parse(&patterns).unwrap();
    let mut parent = None;
    for (at, _) in path.match_indices('/') {
        parent = Some(patterns.matches(&path[..at], parent.as_ref()).1);
    }
    patterns.matches(path, parent.as_ref()).0
}

#[test]
fn patterns_match_as_in_docker() {
    let table: &[(&[&str], &str, bool)] = &[
        (&["**"], "file", true),
        (&["**"], "a/b", true),
        (&["**/"], "a/b", true),
        (&["dir/**"], "dir", false),
        (&["dir/**"], "dir/file", true),
        (&["dir/**"], "dir/sub/file", true),
        (&["dir/**/file"], "dir/file", true),
        (&["dir/**/file"], "dir/a/b/file", true),
        (&["dir/**/file"], "dir/a/bfile", false),
        (&["**/file"], "file", true),
        (&["**/file"], "a/b/file", true),
        (&["**/file"], "afile", false),
        (&["**file"], "afile", true),
        (&["**/*.txt"], "a.txt", true),
        (&["**/*.txt"], "a/b.txt", true),
        (&["**/*.txt"], "a/b.txtx", false),
        (&["a/**/*.txt"], "a/b/c.txt", true),
        (&["*"], "a", true),
        (&["*"], "a/b", true),
        (&["*.md"], "docs/x.md", false),
        (&["node_modules"], "node_modules/x/y", true),
        (&["node_modules"], "web/node_modules", false),
        (&["./a/../b/"], "b/c", true),
        (&["a?c"], "abc", true),
        (&["a?c"], "a/c", false),
        (&["a[0-9]"], "a7", true),
        (&["a[^0-9]"], "a7", false),
        (&["a[x\\-]"], "a-", true),
        (&["a\\*b"], "a*b", true),
        (&["a\\*b"], "axb", false),
        (&["a.b"], "axb", false),
        (&["a+(b)|{c}$"], "a+(b)|{c}$", true),
        (&["é?"], "éü", true),
        (&["*", "!keep"], "keep", false),
        (&["*", "!keep"], "other", true),
        (&["*", "!keep/this"], "keep/this", false),
        (&["*", "!keep/this"], "keep/that", true),
        (&["docs", "!docs/README.md"], "docs/README.md", false),
        (&["docs", "!docs/README.md", "docs/README.md"], "docs/README.md", true),
        (&["**", "!**/*.py"], "a/b/c.py", false),
        (&["**", "!**/*.py"], "a/b/c.js", true),
        (&["!a", "a"], "a", true),
        (&[" ", "a"], "a", true),
        (&["Dockerfile"], "Dockerfile", true),
        (&["/a"], "a", false),
    ];
    for (patterns, path, expected) in table {
        assert_eq!(is_matched(patterns, path), *expected, "{patterns:?} on {path:?}");
    }
}

#[test]
fn malformed_patterns_are_refused() {
    for text in ["[", "[]", "[a", "a[-b]", "[a-]", "a\\", "!", "[^]"] {
        assert_eq!(Patterns::parse(&[text.to_owned()]).unwrap_err(), InvalidPattern(text.to_owned()));
    }
}

#[test]
fn a_path_is_cleaned_by_its_text() {
    for (path, expected) in [
        ("", "."),
        (".", "."),
        ("a//b/./c/", "a/b/c"),
        ("a/../..", ".."),
        ("../a", "../a"),
        ("/", "/"),
        ("/../a", "/a"),
        ("a/..", "."),
    ] {
        assert_eq!(clean(path), expected, "{path:?}");
    }
}

/// The same language as a regular expression, written the way the library compiles it.
fn expression(pattern: &str) -> String {
    let mut out = "^(?s:".to_owned();
    let mut rest = pattern.chars().peekable();
    let mut first = true;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                let slash = rest.next_if_eq(&'/').is_some();
                let tail: String = rest.clone().collect();
                let plain = !tail.contains(['*', '?', '[', '\\']);
                match (rest.peek().is_none(), first && plain, slash) {
                    (true, _, _) | (false, true, false) => out.push_str(".*"),
                    (false, _, _) => out.push_str("(.*/)?"),
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => write!(out, "{}", regex::escape(&rest.next().unwrap().to_string())).unwrap(),
            '[' | ']' | '^' | '-' => out.push(c),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
        first = false;
    }
    out + ")$"
}

/// Texts of a regular expression, which a plain literal would have parsed again for each of them.
fn texts(expression: &str) -> RegexGeneratorStrategy<String> {
    string_regex(expression).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_pattern_and_no_path_panics(
        patterns in prop::collection::vec(texts("\\PC{0,12}"), 0..4),
        path in texts("\\PC{1,20}"),
    ) {
        if let Ok(patterns) = Patterns::parse(&patterns) {
            let (_, matched) = patterns.matches(&path, None);
            patterns.matches(&path, Some(&matched));
        }
        clean(&path);
    }

    #[test]
    fn a_glob_matches_what_its_regular_expression_does(
        pattern in texts("([a-c./]|\\*|\\*\\*|\\*\\*/|\\?|\\[a-b\\]|\\[\\^a\\]|\\\\[*a]){1,6}"),
        paths in prop::collection::vec(texts("[a-c*.]{1,3}(/[a-c.]{1,3}){0,3}"), 1..20),
    ) {
        // `***` and friends: the library's reading of them is an accident of its loop.
        prop_assume!(!pattern.contains("***") && !pattern.contains("**/**"));
        let pattern = clean(&pattern);
        let Ok(glob) = Glob::parse(&pattern) else { return Ok(()) };
        // All of it is ASCII, and what knows no more is compiled much faster.
        let expression =
            regex::bytes::RegexBuilder::new(&expression(&pattern)).unicode(false).build().unwrap();
        for path in paths {
            let is_match = expression.is_match(path.as_bytes());
            prop_assert_eq!(glob.matches(&path), is_match, "{} on {} by {}", &pattern, &path, expression.as_str());
        }
    }
}
