//! What is wrong with a file: where, why, and what to write instead.

use std::ops::Range;

use hops_model::RepoPath;
use serde::Serialize;

/// A mistake, or something to know, at a place of a file. Serializes as the command line's contract (design.md 8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the app can be deployed all the same.
    pub severity: Severity,
    /// What kind, for programs.
    pub code: Code,
    /// The file, from the repository's root.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The bytes of the file's text it is about, for excerpts.
    #[serde(skip)]
    pub span: Range<usize>,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The app cannot be deployed.
    Error,
    /// It can, but not quite as written, or not for long.
    Warning,
}

/// Kinds of diagnostics. The names are part of the command line's contract (design.md 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not TOML.
    Syntax,
    /// Not text in UTF-8.
    NotUtf8,
    /// Over [`crate::MAX_FILE_BYTES`].
    TooLarge,
    /// An `iterapp.toml` is not there, or is no file.
    MissingFile,
    /// There is no Dockerfile to build from.
    MissingDockerfile,
    /// A listed appling has no directory, or one that cannot be used.
    MissingDirectory,
    /// A key that HOPS does not know.
    UnknownKey,
    /// A known key in a file or table where it does not belong.
    MisplacedKey,
    /// A key that another one replaced.
    SupersededKey,
    /// A key that has to be there.
    MissingKey,
    /// Two keys that exclude each other.
    ConflictingKeys,
    /// A value of another type than the key takes.
    WrongType,
    /// A value of the right type that is not possible.
    InvalidValue,
    /// A name that Kubernetes cannot carry.
    UnfitName,
    /// An environment that does not exist.
    UnknownEnvironment,
    /// A number or boolean where a text belongs; taken as text.
    NotAString,
    /// Two applings under one name.
    DuplicateAppling,
    /// One host for two things.
    DuplicateHost,
    /// A text that cannot be a sealed value.
    MalformedSeal,
    /// A value that another platform sealed.
    SealedElsewhere,
    /// More mistakes than are shown.
    TooMany,
    /// Understood, but without effect as the file stands.
    NoEffect,
    /// Understood, but this release cannot do it yet.
    NotSupportedYet,
}

impl Code {
    /// The name as programs see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::NotUtf8 => "not-utf8",
            Self::TooLarge => "too-large",
            Self::MissingFile => "missing-file",
            Self::MissingDockerfile => "missing-dockerfile",
            Self::MissingDirectory => "missing-directory",
            Self::UnknownKey => "unknown-key",
            Self::MisplacedKey => "misplaced-key",
            Self::SupersededKey => "superseded-key",
            Self::MissingKey => "missing-key",
            Self::ConflictingKeys => "conflicting-keys",
            Self::WrongType => "wrong-type",
            Self::InvalidValue => "invalid-value",
            Self::UnfitName => "unfit-name",
            Self::UnknownEnvironment => "unknown-environment",
            Self::NotAString => "not-a-string",
            Self::DuplicateAppling => "duplicate-appling",
            Self::DuplicateHost => "duplicate-host",
            Self::MalformedSeal => "malformed-seal",
            Self::SealedElsewhere => "sealed-elsewhere",
            Self::TooMany => "too-many",
            Self::NoEffect => "no-effect",
            Self::NotSupportedYet => "not-supported-yet",
        }
    }
}

impl Diagnostic {
    /// Whether it keeps the app from being deployed.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl std::fmt::Display for Diagnostic {
    /// One line, `file:line:column: message`, for logs and failure causes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}
