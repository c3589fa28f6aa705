//! A record as a file.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use hops_model::{AppName, Environment, Target};
use thiserror::Error;

use super::Record;

/// The ledger cannot be read or written.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The file is not what HOPS wrote.
    #[error(
        "{} cannot be understood; restore it from a backup, or remove it and deploy its app again: containers that run are \
         left alone until then",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A newer HOPS wrote it.
    #[error("{} has the form {found}, which this version of HOPS does not know; start the newer one again", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The form that it has.
        found: u64,
    },
    /// The file system does not do it.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

/// A target's record, or what is wrong with it.
pub(super) type Found = (Target, Result<Record, LedgerError>);

const ENDING: &str = ".json";

/// The file of a target. No name has a dot in it, so no two share one.
pub(super) fn path(directory: &Path, target: &Target) -> PathBuf {
    directory.join(format!("{}.{}{ENDING}", target.app, target.environment))
}

/// All files in a directory, and what is wrong with each that cannot be read.
pub(super) fn read_all(directory: &Path) -> Result<Vec<Found>, LedgerError> {
    let make = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    make.map_err(|source| io("make", directory, source))?;
    let mut all = Vec::new();
    for file in fs::read_dir(directory).map_err(|source| io("read", directory, source))? {
        let path = file.map_err(|source| io("read", directory, source))?.path();
        // Others are not ours, or what a crash left of a write.
        if let Some(target) = target_of(&path) {
            all.push((target, read(&path)));
        }
    }
    Ok(all)
}

fn target_of(path: &Path) -> Option<Target> {
    let (app, environment) = path.file_name()?.to_str()?.strip_suffix(ENDING)?.split_once('.')?;
    Some(Target::new(AppName::parse(app).ok()?, Environment::parse(environment).ok()?))
}

fn read(path: &Path) -> Result<Record, LedgerError> {
    let corrupt = |source| LedgerError::Corrupt { path: path.to_owned(), source };
    let text = fs::read(path).map_err(|source| io("read", path, source))?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(corrupt)?;
    match value["version"].as_u64() {
        Some(found) if found > u64::from(Record::VERSION) => {
            Err(LedgerError::Newer { path: path.to_owned(), found })
        }
        _ => serde_json::from_value(value).map_err(corrupt),
    }
}

/// The text of a record.
pub(super) fn text(record: &Record) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(record).expect("records are plain data with text keys");
    text.push(b'\n');
    text
}

/// Replaces a file. It is on disk when this returns.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), LedgerError> {
    let new = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()));
    written.map_err(|source| io("write", &new, source))?;
    fs::rename(&new, path).map_err(|source| io("replace", path, source))?;
    sync_directory(path)
}

/// Removes a file; one that is not there is removed already.
pub(super) fn remove(path: &Path) -> Result<(), LedgerError> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(io("remove", path, source)),
    }
}

fn sync_directory(path: &Path) -> Result<(), LedgerError> {
    let directory = path.parent().expect("a record's file is in a directory");
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| io("sync", directory, source))
}

fn io(what: &'static str, path: &Path, source: io::Error) -> LedgerError {
    LedgerError::Io { what, path: path.to_owned(), source }
}
