//! The one that keeps hosts certified: the book's decisions, done.

mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hops_proxy::{Certificates, Challenges};
use jiff::Timestamp;
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    account::Accounts,
    book::Book,
    files::{Files, FilesError},
    settings::Settings,
    status::HostStatus,
    store::{Store, StoreError},
};

/// Keeps certificates for the hosts that are wanted, and hands them to the proxy. Cheap to clone; when the last clone
/// goes, so does the work. What was ordered is found again at the next start.
#[derive(Clone)]
pub struct Certifier {
    shared: Arc<Shared>,
    _work: Arc<AbortOnDropHandle<()>>,
}

/// Why certificates cannot be kept.
#[derive(Debug, Error)]
pub enum StartError {
    /// Their directory.
    #[error("cannot keep certificates")]
    Store(#[from] StoreError),
    /// Files of the configuration.
    #[error("cannot use a certificate of the configuration")]
    Files(#[from] FilesError),
}

/// What the handle and the work share.
struct Shared {
    settings: Settings,
    store: Store,
    accounts: Accounts,
    proxy: Certificates,
    challenges: Challenges,
    state: Mutex<State>,
    /// Rung when there may be something to do.
    bell: Notify,
    /// Told when a host may stand differently.
    changes: watch::Sender<()>,
}

struct State {
    book: Book,
    files: Files,
    /// What the proxy was given, by name.
    published: BTreeMap<String, Arc<CertifiedKey>>,
}

impl Certifier {
    /// Reads what was kept in this directory and what stands in the settings' files; begins to work. Nothing is ordered
    /// before [`want`](Self::want).
    ///
    /// Has to be called within a tokio runtime.
    pub fn start(
        settings: Settings,
        directory: PathBuf,
        proxy: Certificates,
        challenges: Challenges,
    ) -> Result<Self, StartError> {
        let store = Store::open(directory)?;
        let files = Files::read(&settings.files)?;
        let now = Timestamp::now();
        let mut book = Book::new(settings.directory.clone(), settings.email.is_some());
        book.remember(store.certificates(now)?, store.all_attempts(now)?, now);
        let shared = Arc::new(Shared {
            accounts: Accounts::new(settings.clone(), store.clone()),
            settings,
            store,
            proxy,
            challenges,
            state: Mutex::new(State { book, files, published: BTreeMap::new() }),
            bell: Notify::new(),
            changes: watch::Sender::new(()),
        });
        shared.publish(&mut shared.state());
        let work = tokio::spawn(work::run(Arc::clone(&shared)));
        Ok(Self { shared, _work: Arc::new(AbortOnDropHandle::new(work)) })
    }

    /// From now on these hosts, and only these. Those with a certificate have it at the proxy when this returns; for the
    /// others one is ordered.
    pub fn want(&self, hosts: impl IntoIterator<Item = impl AsRef<str>>) {
        let normal = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
        let hosts: BTreeSet<String> = hosts.into_iter().map(|host| normal(host.as_ref())).collect();
        let mut state = self.shared.state();
        state.book.want(hosts);
        self.shared.publish(&mut state);
        drop(state);
        self.shared.bell.notify_one();
    }

    /// Reads changed files now, and tries again what has failed without waiting any longer.
    pub fn reload(&self) {
        let mut state = self.shared.state();
        state.files.reload();
        state.book.hurry(Timestamp::now());
        self.shared.publish(&mut state);
        drop(state);
        self.shared.bell.notify_one();
    }

    /// Changes when a host may stand differently.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes.subscribe()
    }

    /// How each wanted host stands, by name.
    pub fn status(&self) -> Vec<HostStatus> {
        let state = self.shared.state();
        let orders = state.book.orders();
        let of = |host: &str, entry| match state.files.covering(host) {
            Some((path, certificate)) => HostStatus::of_file(host, path.to_owned(), certificate.until),
            None => HostStatus::of(host, entry, orders),
        };
        state.book.wanted().map(|(host, entry)| of(host, entry)).collect()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the proxy what it is to have, and takes away the rest.
    fn publish(&self, state: &mut State) {
        let State { book, files, published } = state;
        book.cover(|host| files.covering(host).is_some());
        let mut wanted: BTreeMap<String, Arc<CertifiedKey>> = BTreeMap::new();
        for (host, entry) in book.wanted().filter(|(_, entry)| !entry.covered) {
            if let Some(kept) = &entry.kept {
                wanted.insert(host.clone(), Arc::clone(&kept.certificate.key));
            }
        }
        for (_, certificate) in files.all() {
            for name in &certificate.names {
                // Where two files hold a name, the first one counts, as in `covering`.
                wanted.entry(name.clone()).or_insert_with(|| Arc::clone(&certificate.key));
            }
        }
        for name in published.keys().filter(|name| !wanted.contains_key(*name)) {
            self.proxy.remove(name);
        }
        for (name, key) in &wanted {
            if !published.get(name).is_some_and(|known| Arc::ptr_eq(known, key)) {
                self.proxy.set(name, Arc::clone(key));
            }
        }
        *published = wanted;
        self.changes.send_replace(());
    }
}
