//! The environments an app can run in.

use thiserror::Error;

use crate::text_type;

/// Where a release runs: its own namespace, database and secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// End users.
    Prod,
    /// Quality control; the default of `default_environment`.
    Test,
    /// A developer's try-out in production-like conditions: `snap0` to `snap9`. The digit is always below ten.
    Snap(SnapNumber),
    /// The laptop.
    Local,
}

/// Number of a snap environment, 0 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapNumber(u8);

/// A text that names no environment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no environment `{0}`; there are `prod`, `test`, `snap0` to `snap9` and `local`")]
pub struct UnknownEnvironment(pub String);

const NAMES: [&str; 13] = [
    "prod", "test", "local", "snap0", "snap1", "snap2", "snap3", "snap4", "snap5", "snap6", "snap7", "snap8",
    "snap9",
];

impl Environment {
    /// Parses an environment's name.
    pub fn parse(text: &str) -> Result<Self, UnknownEnvironment> {
        match text {
            "prod" => Ok(Self::Prod),
            "test" => Ok(Self::Test),
            "local" => Ok(Self::Local),
            _ => match text.strip_prefix("snap").map(str::as_bytes) {
                Some([digit @ b'0'..=b'9']) => Ok(Self::Snap(SnapNumber(digit - b'0'))),
                _ => Err(UnknownEnvironment(text.to_owned())),
            },
        }
    }

    /// The environment's name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Prod => NAMES[0],
            Self::Test => NAMES[1],
            Self::Local => NAMES[2],
            Self::Snap(SnapNumber(digit)) => NAMES[3 + usize::from(*digit)],
        }
    }

    /// Every environment there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let snaps = (0..10).map(|digit| Self::Snap(SnapNumber(digit)));
        [Self::Prod, Self::Test, Self::Local].into_iter().chain(snaps)
    }

    /// Whether the file's `domains` apply: they belong to production alone (hops.md 8).
    pub fn has_custom_domains(self) -> bool {
        self == Self::Prod
    }
}

text_type!(Environment, UnknownEnvironment);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_reads_back_as_itself() {
        assert_eq!(Environment::all().count(), NAMES.len());
        for environment in Environment::all() {
            assert_eq!(Environment::parse(environment.as_str()), Ok(environment));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "production", "Prod", "snap", "snap10", "snap-1", "snapé"] {
            assert!(Environment::parse(text).is_err(), "{text}");
        }
    }
}
