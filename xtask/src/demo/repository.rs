//! The example as a Git repository of its own, outside of the checkout.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{paths, program};

pub(super) struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// Copies the example and commits it. One that a former demo made is used again, with what was done to it since.
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let repository = Self { folder: folder.to_owned() };
        if !folder.join(".git").exists() {
            copy(&paths::checkout().join("examples/guestbook"), folder)
                .with_context(|| format!("cannot copy the example to {}", folder.display()))?;
            repository.git(&["init", "--quiet", "--initial-branch=main"])?;
            repository.commit("Open the guestbook")?;
        }
        Ok(repository)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a line to the guestbook and commits it. Gives the line.
    pub(super) fn add_entry(&self) -> Result<String> {
        let path = self.folder.join("api/entries.txt");
        let mut entries = fs::read_to_string(&path)?;
        let entry = format!("Barbara: entry {}", entries.lines().count() + 1);
        entries.push_str(&entry);
        entries.push('\n');
        fs::write(&path, entries)?;
        self.commit("Add an entry")?;
        Ok(entry)
    }

    fn commit(&self, message: &str) -> Result<()> {
        self.git(&["add", "--all"])?;
        // A machine without a name and an address in its Git settings can run the demo, too.
        let who = ["-c", "user.name=HOPS demo", "-c", "user.email=demo@hops.invalid"];
        self.git(&[who.as_slice(), &["commit", "--quiet", "--no-gpg-sign", "--message", message]].concat())
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
