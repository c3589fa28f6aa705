//! What the server keeps on disk.

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
pub(super) struct State {
    directory: PathBuf,
}

impl State {
    /// Opens the directory, making it, for the server's user alone, where there is none.
    pub(super) fn open(directory: &Path) -> Result<Self, Failure> {
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

    /// The token that lets clients in. Where a new one was made, the log says in which file it is, once.
    pub(super) fn access(&self) -> Result<AccessToken, Failure> {
        let file = AccessToken::file(&self.directory);
        let modified = || fs::metadata(&file).and_then(|metadata| metadata.modified()).ok();
        let before = modified();
        let access = AccessToken::open(&self.directory).users()?;
        let after = modified();
        if after.is_some() && after != before {
            tracing::info!(file = %file.display(), "made the token for clients; `hops login` asks for what is in this file");
        }
        Ok(access)
    }

    /// The database's file.
    pub(super) fn database(&self) -> PathBuf {
        self.directory.join("hops.sqlite")
    }

    /// The directory of the bare copies of all repositories.
    pub(super) fn repositories(&self) -> PathBuf {
        self.directory.join("repositories")
    }
}
