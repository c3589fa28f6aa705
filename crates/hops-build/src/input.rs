//! All that a build's result depends on, as one hash.
//!
//! **What it does not see**: what a tag such as `debian:bookworm-slim` stands for today, and what a build step
//! fetches from the network. The same input therefore stays the same image until something in the repository
//! changes, on purpose: a deploy of an unchanged commit, or a rollback, changes nothing that runs. A newer base image
//! comes with the next change, or with a changed line in the Dockerfile.

use std::{collections::BTreeMap, fmt};

use sha2::{Digest, Sha256};

use crate::{ApplingBuild, snapshot::Dockerfile};

/// Grows when the same input would be built differently.
const VERSION: &str = "hops-build 1";

/// The hash of all that goes into a build: the files that it can see, the Dockerfile, arguments, secrets, platform,
/// and the name of the image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InputHash(String);

impl InputHash {
    /// 64 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InputHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the hash is taken of.
pub(crate) struct Input<'input> {
    pub(crate) build: &'input ApplingBuild,
    pub(crate) dockerfile: &'input Dockerfile,
    /// Hash of the files that the build can see.
    pub(crate) seen: [u8; 32],
    pub(crate) arguments: &'input BTreeMap<String, String>,
    pub(crate) platform: &'input str,
    /// The image's repository.
    pub(crate) repository: &'input str,
    /// Mixed with secrets, so that what is stored of them cannot be found out by trying.
    pub(crate) key: &'input [u8],
}

impl Input<'_> {
    pub(crate) fn hash(&self) -> InputHash {
        let mut fields = Fields::default();
        fields.add(VERSION).add(self.repository).add(self.platform).add(self.seen);
        fields.add(self.build.dockerfile.as_str()).add(self.dockerfile.object.as_str());
        fields.add(self.arguments.len().to_string());
        for (name, value) in self.arguments {
            fields.add(name).add(value);
        }
        fields.add(self.build.secrets.len().to_string());
        for (id, value) in &self.build.secrets {
            let mut keyed = Fields::default();
            keyed.add(self.key).add(value.expose());
            fields.add(id).add(keyed.finish());
        }
        InputHash(hex(&fields.finish()))
    }
}

/// Fields, each with its length before it, so that no two lists give the same bytes.
#[derive(Default)]
pub(crate) struct Fields(Sha256);

impl Fields {
    pub(crate) fn add(&mut self, field: impl AsRef<[u8]>) -> &mut Self {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
        self
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_be_shifted_into_one_another() {
        let hash = |fields: &[&str]| {
            let mut all = Fields::default();
            for field in fields {
                all.add(field);
            }
            hex(&all.finish())
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["a", ""]), hash(&["a"]));
        assert_eq!(hash(&["a"]).len(), 64);
    }
}
