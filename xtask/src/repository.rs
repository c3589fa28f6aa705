//! A Git repository outside of the checkout, as a user of HOPS has one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::program;

pub(crate) struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// Copies a folder and commits it. A repository that is there is used again, with what was done to it since.
    pub(crate) fn of_copy(from: &Path, folder: &Path) -> Result<Self> {
        let repository = Self { folder: folder.to_owned() };
        if !folder.join(".git").exists() {
            copy(from, folder).with_context(|| format!("cannot copy the example to {}", folder.display()))?;
            repository.begin("Begin")?;
        }
        Ok(repository)
    }

    /// Makes a repository of these files.
    pub(crate) fn of_files(folder: &Path, files: &[(String, String)]) -> Result<Self> {
        let repository = Self { folder: folder.to_owned() };
        for (path, text) in files {
            repository.write(path, text)?;
        }
        repository.begin("Begin")?;
        Ok(repository)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().expect("a file lies in a folder"))?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    pub(crate) fn commit(&self, message: &str) -> Result<()> {
        self.git(&["add", "--all"])?;
        // A machine without a name and an address in its Git settings can run this, too.
        let who = ["-c", "user.name=HOPS", "-c", "user.email=hops@hops.invalid"];
        let commit = ["commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", message];
        self.git(&[who.as_slice(), &commit].concat())
    }

    fn begin(&self, message: &str) -> Result<()> {
        self.git(&["init", "--quiet", "--initial-branch=main"])?;
        self.commit(message)
    }

    fn git(&self, arguments: &[&str]) -> Result<()> {
        program::output(Command::new("git").args(arguments).current_dir(&self.folder)).map(drop)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
