//! Where files come from: the [`Source`] trait and the trees that the protocol needs.

mod directory;
mod files;
pub(crate) mod tree;

use std::io;

use async_trait::async_trait;
use sha2::Digest;
use tokio::io::AsyncRead;

pub use self::{directory::Directory, files::Files};

/// A snapshot of files that a build may ask for.
///
/// Both methods may be called several times in one build, and must answer the same each time.
#[async_trait]
pub trait Source: Send + Sync {
    /// Every entry, in any order. Directories may be left out where something lies in them.
    async fn entries(&self) -> io::Result<Vec<Entry>>;

    /// The content of a file that [`Source::entries`] named; exactly as many bytes as it said. A few files are
    /// open at the same time.
    async fn open(&self, path: &str) -> io::Result<Box<dyn AsyncRead + Send + Unpin>>;
}

/// One file, directory or symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root, components divided by `/`. The protocol carries UTF-8 only.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// See [`Modified`]: the daemon tells changed content by it.
    pub modified: Modified,
}

/// What an [`Entry`] is. Modes are the lower twelve bits of a Unix mode. Everything belongs to root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// In bytes.
        size: u64,
        /// Permissions, such as `0o644`.
        mode: u32,
    },
    /// A symbolic link; it may point anywhere, also outside.
    Symlink {
        /// As stored in the link.
        target: String,
    },
    /// A directory.
    Directory {
        /// Permissions, such as `0o755`.
        mode: u32,
    },
}

/// When a file's content changed.
///
/// **This decides what is sent.** The daemon keeps what it got from earlier builds, and takes a file to be
/// unchanged when path, size, mode and this are the same; it never compares content. A source without true
/// times must therefore derive it from the content ([`Modified::of_content`]), or a change that keeps the size
/// would build yesterday's file. Files also carry it into the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Modified {
    seconds: i64,
    nanoseconds: u32,
}

impl Modified {
    /// 2000-01-01, for what has no time of its own. Not zero: zip files, and so Python wheels, cannot hold
    /// times before 1980.
    pub const FIXED: Self = Self { seconds: 946_684_800, nanoseconds: 0 };

    /// Seconds and nanoseconds since 1970. Nanoseconds past 999,999,999 are cut.
    pub fn new(seconds: i64, nanoseconds: u32) -> Self {
        Self { seconds, nanoseconds: nanoseconds.min(999_999_999) }
    }

    /// A time that changes with the content: `seconds` as given (a fixed number, or when the content was last
    /// changed, if that is known), nanoseconds from a cryptographic hash of the content, such as a Git
    /// object id. Two contents of one size meet with a chance of one in a thousand million.
    pub fn of_content(seconds: i64, hash: &[u8]) -> Self {
        Self { seconds, nanoseconds: below_a_second(hash) }
    }

    fn of_bytes(content: &[u8]) -> Self {
        Self::of_content(Self::FIXED.seconds, &sha2::Sha256::digest(content))
    }

    /// Since 1970, saturating some 290 years away.
    pub(crate) fn as_nanoseconds(self) -> i64 {
        self.seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(self.nanoseconds))
    }
}

fn below_a_second(hash: &[u8]) -> u32 {
    let number = hash.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    u32::try_from(number % 1_000_000_000).expect("a remainder is below its divisor")
}
