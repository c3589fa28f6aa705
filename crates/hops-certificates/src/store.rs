//! What is kept on disk, in a directory of its own. A crash at any moment leaves every certificate either old or new.
//!
//! ```text
//! hosts/shop.example.com/chain.pem, key.pem, certificate.json    replaced as a whole
//! attempts/shop.example.com.json                                 what failed, and when it may be tried again
//! accounts/ca.example.com-directory.json                         the account at an authority, with its key
//! ```

mod write;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use instant_acme::AccountCredentials;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;
use tracing::warn;

use crate::{certificate::Certificate, schedule::Severity, settings::Directory};

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const RECORD: &str = "certificate.json";

/// After this a failure says nothing any more. No pause is nearly as long.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The directory.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

/// What is known of a certificate besides itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The authority's directory: one of another authority is used, and replaced soon.
    pub(crate) directory: String,
    /// When it is to be renewed.
    pub(crate) renew_at: Timestamp,
}

/// A certificate that was ordered.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) certificate: Certificate,
    pub(crate) record: Record,
}

/// Failures in a row. Kept, so that a server which restarts again and again spares the authority as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) failures: u32,
    pub(crate) severity: Severity,
    pub(crate) not_before: Timestamp,
    pub(crate) message: String,
}

/// What an authority knows us by.
#[derive(Deserialize)]
struct KeptAccount {
    directory: String,
    credentials: AccountCredentials,
}

/// Why the disk would not.
#[derive(Debug, Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct StoreError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Store {
    /// Makes what is missing, and ends what a crash interrupted.
    pub(crate) fn open(root: PathBuf) -> Result<Self, StoreError> {
        let store = Self { root };
        for folder in [store.hosts(), store.attempts(), store.accounts()] {
            write::private_directory(&folder).map_err(failed("make", &folder))?;
        }
        write::recover(&store.hosts()).map_err(failed("tidy", &store.hosts()))?;
        Ok(store)
    }

    /// All certificates that are still valid. Those that are not are removed; unreadable ones are left for a look.
    pub(crate) fn certificates(&self, now: Timestamp) -> Result<Vec<(String, Kept)>, StoreError> {
        let mut all = Vec::new();
        for (host, folder) in entries(&self.hosts())? {
            match read_certificate(&folder) {
                Ok(kept) if kept.certificate.until > now => all.push((host, kept)),
                Ok(_) => fs::remove_dir_all(&folder).map_err(failed("remove", &folder))?,
                Err(error) => warn!(path = %folder.display(), "left out a certificate: {error}"),
            }
        }
        Ok(all)
    }

    /// Puts a new certificate in the place of the old one.
    pub(crate) fn save(&self, host: &str, chain: &str, key: &str, record: &Record) -> Result<(), StoreError> {
        let files = [(CHAIN, chain.as_bytes()), (KEY, key.as_bytes()), (RECORD, &json(record))];
        write::directory(&self.hosts(), host, &files).map_err(failed("write", &self.hosts().join(host)))
    }

    /// Replaces what is known of a certificate.
    pub(crate) fn save_record(&self, host: &str, record: &Record) -> Result<(), StoreError> {
        put(&self.hosts().join(host).join(RECORD), &json(record))
    }

    /// All hosts with failures. Those that nobody has tried again for long are gone, as their hosts are.
    pub(crate) fn all_attempts(&self, now: Timestamp) -> Result<Vec<(String, Attempt)>, StoreError> {
        let mut all = Vec::new();
        for (file, path) in entries(&self.attempts())? {
            let Some(host) = file.strip_suffix(".json") else { continue };
            match read_json::<Attempt>(&path) {
                Some(attempt) if now.duration_since(attempt.not_before) > FORGOTTEN => remove(&path)?,
                Some(attempt) => all.push((host.to_owned(), attempt)),
                None => {}
            }
        }
        Ok(all)
    }

    pub(crate) fn save_attempt(&self, host: &str, attempt: &Attempt) -> Result<(), StoreError> {
        put(&self.attempt(host), &json(attempt))
    }

    pub(crate) fn forget_attempt(&self, host: &str) -> Result<(), StoreError> {
        remove(&self.attempt(host))
    }

    /// The account at an authority.
    pub(crate) fn account(&self, directory: &Directory) -> Option<AccountCredentials> {
        let kept: KeptAccount = read_json(&self.account_file(directory))?;
        (kept.directory == directory.as_str()).then_some(kept.credentials)
    }

    pub(crate) fn save_account(
        &self,
        directory: &Directory,
        credentials: &AccountCredentials,
    ) -> Result<(), StoreError> {
        let value = serde_json::json!({ "directory": directory, "credentials": credentials });
        put(&self.account_file(directory), value.to_string().as_bytes())
    }

    /// An account that the authority does not know any more.
    pub(crate) fn forget_account(&self, directory: &Directory) -> Result<(), StoreError> {
        remove(&self.account_file(directory))
    }

    fn hosts(&self) -> PathBuf {
        self.root.join("hosts")
    }

    fn attempts(&self) -> PathBuf {
        self.root.join("attempts")
    }

    fn attempt(&self, host: &str) -> PathBuf {
        self.attempts().join(format!("{host}.json"))
    }

    fn accounts(&self) -> PathBuf {
        self.root.join("accounts")
    }

    fn account_file(&self, directory: &Directory) -> PathBuf {
        let place = directory.as_str().trim_start_matches("https://");
        let name = place.replace(|c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c)), "-");
        self.accounts().join(format!("{name}.json"))
    }
}

fn read_certificate(folder: &Path) -> Result<Kept, String> {
    let read = |name| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let certificate = Certificate::parse(&read(CHAIN)?, &read(KEY)?).map_err(|error| error.to_string())?;
    let record = serde_json::from_slice(&read(RECORD)?).map_err(|error| format!("{RECORD}: {error}"))?;
    Ok(Kept { certificate, record })
}

fn put(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    write::file(path, content).map_err(failed("write", path))
}

/// What stands in a folder by its final name, with that name; our own unfinished work begins with a dot.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let list = || -> io::Result<Vec<(String, PathBuf)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && !name.starts_with('.')
            {
                entries.push((name, entry.path()));
            }
        }
        Ok(entries)
    };
    list().map_err(failed("read", folder))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            warn!(path = %path.display(), "cannot read what was kept: {error}");
            return None;
        }
    };
    // The position is all that is told of a mistake: an account's file holds its key.
    serde_json::from_slice(&text)
        .inspect_err(|error| {
            warn!(path = %path.display(), line = error.line(), column = error.column(), "what was kept is damaged");
        })
        .ok()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("texts, numbers and instants can be written as JSON")
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError { action, path, source }
}

#[cfg(test)]
mod tests;
