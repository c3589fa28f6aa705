//! Environment variables of a container.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{SecretName, text_type};

/// Name of an environment variable that every shell can set: letters, digits and `_`, not beginning with a digit
/// (POSIX.1-2017, Base Definitions 8.1, lower case allowed as in practice).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableName(String);

/// A text that cannot name an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` cannot name an environment variable; letters, digits and `_` are possible, the first not a digit"
)]
pub struct VariableNameError(pub String);

impl VariableName {
    /// Parses a variable's name.
    pub fn parse(text: &str) -> Result<Self, VariableNameError> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            Ok(Self(text.to_owned()))
        } else {
            Err(VariableNameError(text.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(VariableName, VariableNameError);

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableValue {
    /// The text itself.
    Literal(String),
    /// A value sealed for the platform, opened when a release is made. The text is the ciphertext.
    Sealed(String),
    /// A key of a Secret that an operator made by hand in the namespace.
    SecretKey {
        /// The Secret's name.
        secret: SecretName,
        /// The key in it.
        key: String,
    },
}
