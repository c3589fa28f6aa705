//! Names that end up in namespaces, Services and labels.

use thiserror::Error;

use crate::text_type;

/// The longest app name: `apps-{app}-{environment}` has to fit a DNS label (RFC 1123, 63 characters) for the
/// longest environment (`local`, `snap0`).
pub const APP_NAME_MAX: usize = 63 - "apps-".len() - "-snap0".len();

/// The longest appling name. With the app name it forms a Service name, which `hops-manifest` checks as a pair.
pub const APPLING_NAME_MAX: usize = 63;

/// Name of an app: lower-case letters, digits, `-` and `_`, beginning with a letter.
///
/// The repository's name unless the file says otherwise. Underscores become dashes where Kubernetes cannot
/// carry them, see [`AppName::dns`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppName(String);

/// Name of an appling: the last component of its directory, or the app's name where there is only the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplingName(String);

/// Name of a Secret that an operator made by hand: a DNS subdomain (RFC 1123).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing there.
    #[error("a name cannot be empty")]
    Empty,
    /// Longer than what fits where the name is used.
    #[error("`{name}` has {} characters, at most {max} fit", name.len())]
    TooLong {
        /// The text as given.
        name: String,
        /// The longest that fits.
        max: usize,
    },
    /// A character that DNS cannot carry.
    #[error("`{name}` contains {character:?}; only lower-case letters, digits, `-` and `_` are possible")]
    Character {
        /// The text as given.
        name: String,
        /// The first character that does not fit.
        character: char,
    },
    /// A character that the name of a Secret cannot have.
    #[error("`{name}` contains {character:?}; a Secret's name has lower-case letters, digits, `-` and `.`")]
    SecretCharacter {
        /// The text as given.
        name: String,
        /// The first character that does not fit.
        character: char,
    },
    /// A part of a Secret's name that begins or ends with something other than a letter or digit.
    #[error("`{name}` cannot name a Secret; its parts, joined by `.`, begin and end with a letter or digit")]
    SecretEdge {
        /// The text as given.
        name: String,
    },
    /// Begins or ends with something other than what DNS-1035 demands of a Service name.
    #[error("`{name}` has to begin with a letter and end with a letter or digit")]
    Edge {
        /// The text as given.
        name: String,
    },
}

impl AppName {
    /// Parses an app name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_label(text, APP_NAME_MAX).map(|()| Self(text.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a DNS label: underscores turned into dashes (hops.md 2).
    pub fn dns(&self) -> String {
        self.0.replace('_', "-")
    }
}

impl ApplingName {
    /// Parses an appling name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_label(text, APPLING_NAME_MAX).map(|()| Self(text.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a DNS label: underscores turned into dashes.
    pub fn dns(&self) -> String {
        self.0.replace('_', "-")
    }

    /// The name as part of a variable, as in `HOPS_URL_{APPLING}`: upper case, dashes turned into underscores.
    pub fn variable(&self) -> String {
        self.0.replace('-', "_").to_ascii_uppercase()
    }
}

impl From<&AppName> for ApplingName {
    /// The single appling of an app without `applings` is named like the app.
    fn from(app: &AppName) -> Self {
        Self(app.0.clone())
    }
}

impl SecretName {
    /// Parses the name of a Kubernetes Secret.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.to_owned();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > 253 {
            return Err(NameError::TooLong { name, max: 253 });
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(NameError::SecretCharacter { name, character });
        }
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if text.split('.').any(|label| !label.starts_with(alphanumeric) || !label.ends_with(alphanumeric)) {
            return Err(NameError::SecretEdge { name });
        }
        Ok(Self(name))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(AppName, NameError);
text_type!(ApplingName, NameError);
text_type!(SecretName, NameError);

/// The nearest name that would be accepted, for messages: `My.App` gives `my-app`, `2048` gives `app-2048`.
pub fn fitting_name(text: &str, max: usize) -> String {
    let mut fitting: String = text
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' })
        .collect();
    fitting = fitting.trim_matches(['-', '_']).to_owned();
    if !fitting.starts_with(|c: char| c.is_ascii_lowercase()) {
        fitting = format!("app-{fitting}");
    }
    fitting.truncate(max);
    fitting.trim_end_matches(['-', '_']).to_owned()
}

fn check_label(text: &str, max: usize) -> Result<(), NameError> {
    let name = || text.to_owned();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if let Some(character) = text.chars().find(|c| !allowed(*c)) {
        return Err(NameError::Character { name: name(), character });
    }
    if text.len() > max {
        return Err(NameError::TooLong { name: name(), max });
    }
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    let ends = text.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && ends { Ok(()) } else { Err(NameError::Edge { name: name() }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_are_accepted() {
        for name in ["a", "web", "hops-realworld", "uxsignals_transcribe", "testapp-1"] {
            assert_eq!(AppName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn underscores_become_dashes_in_dns() {
        assert_eq!(AppName::parse("a_b").unwrap().dns(), "a-b");
        assert_eq!(ApplingName::parse("web-front").unwrap().variable(), "WEB_FRONT");
    }

    #[test]
    fn names_that_kubernetes_cannot_carry_are_refused() {
        assert!(matches!(AppName::parse("Web"), Err(NameError::Character { character: 'W', .. })));
        assert!(matches!(AppName::parse("web-"), Err(NameError::Edge { .. })));
        assert!(matches!(AppName::parse("2048"), Err(NameError::Edge { .. })));
        assert!(matches!(AppName::parse(&"a".repeat(53)), Err(NameError::TooLong { max: 52, .. })));
        assert!(matches!(SecretName::parse("a..b"), Err(NameError::SecretEdge { .. })));
    }

    proptest! {
        #[test]
        fn the_suggested_name_is_always_accepted(text in "\\PC{0,80}") {
            let fitting = fitting_name(&text, APP_NAME_MAX);
            prop_assert!(AppName::parse(&fitting).is_ok(), "{fitting:?}");
        }
    }
}
