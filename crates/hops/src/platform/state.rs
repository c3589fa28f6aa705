//! What a server keeps on disk.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hops_server::AccessToken;

use crate::failure::{Blame, Failure};

/// The state directory.
#[derive(Debug)]
pub(crate) struct State {
    directory: PathBuf,
}

/// What lets clients in.
pub(crate) struct Access {
    /// What clients have to show.
    pub(crate) token: AccessToken,
    /// The file that the token is in, unless the operator took it away.
    pub(crate) file: PathBuf,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
}

impl State {
    /// Opens the directory, making it, for the server's user alone, where there is none.
    pub(crate) fn open(directory: &Path) -> Result<Self, Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot make the state directory `{}`", directory.display()))
            .users()
            .hint("`--state DIR`, or `state_directory` in the file, names another one")?;
        let directory = fs::canonicalize(directory)
            .with_context(|| format!("cannot open the state directory `{}`", directory.display()))
            .users()?;
        Ok(Self { directory })
    }

    /// The token that lets clients in, made where there is none.
    pub(crate) fn access(&self) -> Result<Access, Failure> {
        let file = AccessToken::file(&self.directory);
        let modified = || fs::metadata(&file).and_then(|metadata| metadata.modified()).ok();
        let before = modified();
        let token = AccessToken::open(&self.directory).users()?;
        let after = modified();
        Ok(Access { token, is_new: after.is_some() && after != before, file })
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The database's file.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join("hops.sqlite")
    }

    /// The directory of the Docker engine: what is to run, and the secrets that operators put there.
    pub(crate) fn engine(&self) -> PathBuf {
        self.directory.join("docker")
    }

    /// The directory of certificates and of the accounts that they were ordered with.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.directory.join("certificates")
    }

    /// The directory of the bare copies of all repositories.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.directory.join("repositories")
    }
}
