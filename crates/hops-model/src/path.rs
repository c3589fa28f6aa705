//! Paths: of an HTTP request, and inside a repository.

use thiserror::Error;

use crate::text_type;

/// Path of an HTTP request, with or without a query: begins with `/` and holds no spaces or control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpPath(String);

/// Why a text is not an HTTP path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpPathError {
    /// Does not begin with `/`.
    #[error("`{0}` has to begin with `/`")]
    NoSlash(String),
    /// Holds a character that a request line cannot carry.
    #[error("`{0}` contains {1:?}, which a request path cannot carry; percent-encode it")]
    Character(String, char),
}

impl HttpPath {
    /// Parses a request path.
    pub fn parse(text: &str) -> Result<Self, HttpPathError> {
        if !text.starts_with('/') {
            return Err(HttpPathError::NoSlash(text.to_owned()));
        }
        match text.chars().find(|c| !c.is_ascii_graphic() || *c == '#') {
            Some(character) => Err(HttpPathError::Character(text.to_owned(), character)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The readiness path of an app whose file names none (hops.md 3).
    pub fn default_readiness() -> Self {
        Self("/health".to_owned())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Path of a file or directory in a repository: relative, `/` between parts, never leading out. Empty for the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(String);

/// Why a text is not a path inside a repository.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepoPathError {
    /// Begins with `/`.
    #[error("`{0}` is absolute; write it relative to the repository's root")]
    Absolute(String),
    /// Climbs out of the repository.
    #[error("`{0}` leads out of the repository")]
    Outside(String),
    /// A part that Git cannot hold, such as `.git` or one with a NUL.
    #[error("`{0}` is no path that a repository can hold")]
    Malformed(String),
}

impl RepoPath {
    /// The repository's root.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Parses a path; `./` and trailing slashes are dropped.
    pub fn parse(text: &str) -> Result<Self, RepoPathError> {
        if text.starts_with('/') {
            return Err(RepoPathError::Absolute(text.to_owned()));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(RepoPathError::Outside(text.to_owned()));
        }
        if parts.iter().any(|part| part.contains('\0') || part.eq_ignore_ascii_case(".git")) {
            return Err(RepoPathError::Malformed(text.to_owned()));
        }
        Ok(Self(parts.join("/")))
    }

    /// Whether this is the repository's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// A file or directory below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        if self.is_root() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// The last part; nothing for the root.
    pub fn file_name(&self) -> Option<&str> {
        self.0.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// The path as text, empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(HttpPath, HttpPathError);
text_type!(RepoPath, RepoPathError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_paths_begin_with_a_slash_and_hold_no_spaces() {
        assert!(HttpPath::parse("/v1/queue?deep=1").is_ok());
        assert!(matches!(HttpPath::parse("health"), Err(HttpPathError::NoSlash(_))));
        assert!(matches!(HttpPath::parse("/a b"), Err(HttpPathError::Character(_, ' '))));
        assert!(matches!(HttpPath::parse("/a\n"), Err(HttpPathError::Character(_, '\n'))));
    }

    #[test]
    fn repository_paths_are_tidied_and_stay_inside() {
        assert_eq!(RepoPath::parse("./services//api/").unwrap().as_str(), "services/api");
        assert_eq!(RepoPath::parse("services/api").unwrap().file_name(), Some("api"));
        assert!(RepoPath::parse(".").unwrap().is_root());
        assert!(matches!(RepoPath::parse("/etc"), Err(RepoPathError::Absolute(_))));
        assert!(matches!(RepoPath::parse("a/../../b"), Err(RepoPathError::Outside(_))));
        assert!(matches!(RepoPath::parse(".git/hooks"), Err(RepoPathError::Malformed(_))));
    }
}
