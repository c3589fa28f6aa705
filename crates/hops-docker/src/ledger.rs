//! What was decided, written down: one file an app and environment.
//!
//! The ledger is intent, Docker is reality, keepers are the loop between. A file is replaced as a whole, so a crash
//! leaves the former or the new one. It holds what an appling's containers are told, so it is readable by its owner
//! alone; it never holds what is in named Secrets.

mod file;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use hops_engine::EngineError;
use hops_model::{ApplingName, DesiredAppling, ImageRef, ReleaseNumber, Target};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use file::LedgerError;

use crate::error::ENGINE;

/// What was decided about one app in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The form of the file.
    version: u32,
    /// The app and environment.
    pub(crate) target: Target,
    /// Its applings.
    pub(crate) applings: BTreeMap<ApplingName, Entry>,
}

/// What was decided about one appling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// What was live last.
    pub(crate) serving: Option<Held>,
    /// What is on its way. It stays after a failure where nothing served before: it may yet heal.
    pub(crate) coming: Option<Held>,
    /// Images of forms that were live, the latest first.
    pub(crate) images: Vec<ImageRef>,
}

/// A form, and which containers have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Held {
    /// The form.
    pub(crate) form: DesiredAppling,
    /// The release in which its containers were made. Older than that of the form where it took on new routes or
    /// another number of containers since.
    pub(crate) since: ReleaseNumber,
    /// The number of its first container in that release. Other than 1 only where releases were numbered anew, and
    /// another form has those.
    pub(crate) first: u16,
}

impl Held {
    /// A form that needs containers of its own, beside those that there are.
    pub(crate) fn beside(form: DesiredAppling, other: Option<&Self>) -> Self {
        let other = other.filter(|other| other.since == form.release);
        let first = other.map_or(1, |other| other.first.saturating_add(other.form.replicas));
        Self { since: form.release, first, form }
    }
}

impl Entry {
    /// The form that was wanted last.
    pub(crate) fn latest(&self) -> Option<&DesiredAppling> {
        self.coming.as_ref().or(self.serving.as_ref()).map(|held| &held.form)
    }
}

impl Record {
    const VERSION: u32 = 1;

    fn new(target: Target) -> Self {
        Self { version: Self::VERSION, target, applings: BTreeMap::new() }
    }
}

/// All records, in memory and in a directory.
#[derive(Debug)]
pub(crate) struct Ledger {
    directory: PathBuf,
    records: Mutex<BTreeMap<Target, Arc<Mutex<Record>>>>,
    /// Targets whose file cannot be read. Nothing is changed there before somebody looks.
    broken: BTreeMap<Target, Arc<LedgerError>>,
}

impl Ledger {
    /// Reads a directory, which is made where it is not there. A file that cannot be read stands for itself: the others
    /// are served.
    pub(crate) fn open(directory: &Path) -> Result<Self, LedgerError> {
        let mut records = BTreeMap::new();
        let mut broken = BTreeMap::new();
        for (target, record) in file::read_all(directory)? {
            match record {
                Ok(record) => drop(records.insert(target, Arc::new(Mutex::new(record)))),
                Err(error) => drop(broken.insert(target, Arc::new(error))),
            }
        }
        Ok(Self { directory: directory.to_owned(), records: Mutex::new(records), broken })
    }

    /// What cannot be read.
    pub(crate) fn broken(&self) -> &BTreeMap<Target, Arc<LedgerError>> {
        &self.broken
    }

    /// All that can be read.
    pub(crate) async fn all(&self) -> Vec<Record> {
        let records: Vec<_> = self.records.lock().await.values().cloned().collect();
        let mut all = Vec::with_capacity(records.len());
        for record in records {
            all.push(record.lock().await.clone());
        }
        all
    }

    /// The record of a target, if there is one.
    pub(crate) async fn record(&self, target: &Target) -> Result<Option<Record>, EngineError> {
        self.readable(target)?;
        let record = self.records.lock().await.get(target).cloned();
        match record {
            Some(record) => Ok(Some(record.lock().await.clone())),
            None => Ok(None),
        }
    }

    /// Changes what was decided about an appling. It is on disk when this returns.
    pub(crate) async fn update(
        &self,
        target: &Target,
        appling: &ApplingName,
        change: impl FnOnce(&mut Entry),
    ) -> Result<(), EngineError> {
        self.write(target, |record| change(record.applings.entry(appling.clone()).or_default())).await
    }

    /// Forgets an appling.
    pub(crate) async fn forget(&self, target: &Target, appling: &ApplingName) -> Result<(), EngineError> {
        self.write(target, |record| drop(record.applings.remove(appling))).await
    }

    /// Forgets a target with all that it has.
    pub(crate) async fn remove(&self, target: &Target) -> Result<(), EngineError> {
        self.readable(target)?;
        self.records.lock().await.remove(target);
        let path = file::path(&self.directory, target);
        in_background(move || file::remove(&path)).await.map_err(|error| failed(target, error))
    }

    async fn write(&self, target: &Target, change: impl FnOnce(&mut Record)) -> Result<(), EngineError> {
        self.readable(target)?;
        let record = {
            let mut records = self.records.lock().await;
            let new = || Arc::new(Mutex::new(Record::new(target.clone())));
            Arc::clone(records.entry(target.clone()).or_insert_with(new))
        };
        let mut record = record.lock().await;
        let mut next = record.clone();
        change(&mut next);
        if next != *record {
            let (path, text) = (file::path(&self.directory, target), file::text(&next));
            in_background(move || file::write(&path, &text)).await.map_err(|error| failed(target, error))?;
            *record = next;
        }
        Ok(())
    }

    fn readable(&self, target: &Target) -> Result<(), EngineError> {
        match self.broken.get(target) {
            Some(error) => Err(failed(target, Arc::clone(error))),
            None => Ok(()),
        }
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime ends, and so does whoever waits for this.
        Err(_) => std::future::pending().await,
    }
}

fn failed(target: &Target, error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    let action = format!("keep its record of {target}");
    EngineError::Failed { engine: ENGINE, action, source: Box::new(error) }
}

#[cfg(test)]
mod tests;
