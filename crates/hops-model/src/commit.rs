//! Commits.

use thiserror::Error;

use crate::text_type;

/// A full commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

/// A text that is not a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a full commit id")]
pub struct CommitIdError(pub String);

impl CommitId {
    /// Parses a full commit id.
    pub fn parse(text: &str) -> Result<Self, CommitIdError> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && (text.len() == 40 || text.len() == 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CommitIdError(text.to_owned()))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

text_type!(CommitId, CommitIdError);
