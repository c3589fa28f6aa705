//! Whom an image's process runs as.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an image's configuration says of its user. The group is left out: no rule depends on it.
///
/// ```text
/// USER           image        root, 0, :0, 0:0   1000, 1000:50   nobody, nobody:nogroup
/// ImageUser      Root         Root               Number(1000)    Name("nobody")
/// ```
///
/// Names stay names: which number they stand for is written in a file of some layer, `/etc/passwd`, and fetching
/// layers for it would cost a deploy more than the number is worth.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ImageUser {
    /// The superuser, whom an image gets that names nobody.
    #[default]
    Root,
    /// A user by number, never 0.
    Number(u32),
    /// A user by name, never `root`.
    Name(String),
}

impl ImageUser {
    /// Reads the `User` of an image's configuration: `user`, `uid`, or either with `:group`
    /// (OCI image specification, `config.User`).
    pub fn parse(text: &str) -> Self {
        let user = text.split_once(':').map_or(text, |(user, _group)| user);
        match user.parse() {
            Ok(0) => Self::Root,
            Ok(number) => Self::Number(number),
            Err(_) if user.is_empty() || user == "root" => Self::Root,
            Err(_) => Self::Name(user.to_owned()),
        }
    }

    /// Whether it is the superuser.
    pub fn is_root(&self) -> bool {
        *self == Self::Root
    }
}

impl fmt::Display for ImageUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.pad("root"),
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}

impl FromStr for ImageUser {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::parse(text))
    }
}

impl From<String> for ImageUser {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<ImageUser> for String {
    fn from(user: ImageUser) -> Self {
        user.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_superuser_has_many_spellings() {
        for text in ["", "0", "00", "root", "0:0", "root:wheel", ":1000", "0:1000"] {
            assert_eq!(ImageUser::parse(text), ImageUser::Root, "{text}");
        }
    }

    #[test]
    fn numbers_and_names_are_told_apart() {
        assert_eq!(ImageUser::parse("1000"), ImageUser::Number(1000));
        assert_eq!(ImageUser::parse("65532:65532"), ImageUser::Number(65532));
        assert_eq!(ImageUser::parse("nobody:nogroup"), ImageUser::Name("nobody".into()));
        // No user of Linux has such a number; the container's runtime will say so.
        for text in ["-1", "4294967296"] {
            assert_eq!(ImageUser::parse(text), ImageUser::Name(text.into()));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_down_reads_back(text in ".*") {
            let user = ImageUser::parse(&text);
            prop_assert_eq!(ImageUser::parse(&user.to_string()), user);
        }
    }
}
