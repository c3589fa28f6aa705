//! The patterns of `.dockerignore` and of `COPY`, as `BuildKit`'s frontend sends them.
//!
//! Semantics are those of the `patternmatcher` library that every builder shares, including that `**/x` also
//! matches `x`, that a pattern matches what lies below its match, and that the last word is the last pattern's.

mod glob;

pub(crate) use self::glob::{Glob, InvalidPattern};

/// Patterns in order; one that starts with `!` takes back.
#[derive(Debug)]
pub(crate) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    takes_back: bool,
    glob: Glob,
}

/// Which patterns matched a directory; what lies in it starts from here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matched(Vec<bool>);

impl Patterns {
    pub(crate) fn parse(patterns: &[String]) -> Result<Self, InvalidPattern> {
        let mut parsed = Vec::with_capacity(patterns.len());
        for text in patterns.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let clean = clean(text);
            let (takes_back, pattern) = match clean.strip_prefix('!') {
                Some("") => return Err(InvalidPattern(text.to_owned())),
                Some(pattern) => (true, pattern),
                None => (false, clean.as_str()),
            };
            parsed.push(Pattern { takes_back, glob: Glob::parse(pattern)? });
        }
        Ok(Self(parsed))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path is matched, given what its directory matched (`None` at the root).
    pub(crate) fn matches(&self, path: &str, parent: Option<&Matched>) -> (bool, Matched) {
        let mut is_matched = false;
        let mut each = vec![false; self.0.len()];
        for (at, pattern) in self.0.iter().enumerate() {
            let inherited = parent.is_some_and(|parent| parent.0[at]);
            // A pattern that could not change the answer is not asked, and so not inherited either. That is
            // how the shared library behaves, and `.dockerignore` files rely on it.
            if inherited || (pattern.takes_back == is_matched && pattern.glob.matches(path)) {
                each[at] = true;
                is_matched = !pattern.takes_back;
            }
        }
        (is_matched, Matched(each))
    }
}

/// The shortest path that means the same, by text alone: `a/./b//c/../d` is `a/b/d`, nothing is `.`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests;
