//! What runs in the background: jobs when they are due, files when they change.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::{self, MissedTickBehavior},
};
use tracing::{debug, error, info, warn};

use super::Shared;
use crate::{
    book::{Job, Window},
    certificate::Certificate,
    order::{Issued, OrderError, Ordering},
    schedule::{self, Chance},
    status::chain,
    store::{Kept, Record, StoreError},
};

/// How often files are looked at.
const LOOK_AT_FILES: Duration = Duration::from_secs(15);
/// The longest sleep. The clock of the wall may jump, that of a timer stands still while a laptop is closed.
const LOOK_AT_CLOCK: Duration = Duration::from_mins(1);
/// Of one question for a window.
const ASK_LIMIT: Duration = Duration::from_mins(1);

/// What came of a job.
enum Done {
    Ordered(Result<Issued, OrderError>),
    Asked(Result<Window, Asked>),
}

/// Why there is no window.
enum Asked {
    NotOffered,
    Failed(String),
}

/// Works until it is aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut jobs: JoinSet<(String, Done)> = JoinSet::new();
    let mut hosts: HashMap<task::Id, String> = HashMap::new();
    let mut files = time::interval(LOOK_AT_FILES);
    files.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = Timestamp::now();
        let (begun, next) = {
            let mut state = shared.state();
            (state.book.begin(now), state.book.next())
        };
        if !begun.is_empty() {
            shared.changes.send_replace(());
        }
        for (host, job) in begun {
            let task = jobs.spawn(do_job(Arc::clone(&shared), host.clone(), job));
            hosts.insert(task.id(), host);
        }
        let wait = next.map(|next| Duration::try_from(now.duration_until(next)).unwrap_or_default());
        let wait = wait.unwrap_or(LOOK_AT_CLOCK).min(LOOK_AT_CLOCK);
        tokio::select! {
            Some(done) = jobs.join_next_with_id() => shared.done(&mut hosts, done).await,
            () = shared.bell.notified() => {}
            _ = files.tick() => shared.look_at_files(),
            () = time::sleep_until(time::Instant::now() + wait) => {}
        }
    }
}

async fn do_job(shared: Arc<Shared>, host: String, job: Job) -> (String, Done) {
    let done = match job {
        Job::Order { replaces } => Done::Ordered(shared.order(&host, replaces).await),
        Job::AskWindow { identifier } => {
            let asked = time::timeout(ASK_LIMIT, shared.ask(&identifier)).await;
            Done::Asked(asked.unwrap_or_else(|_| Err(Asked::Failed("no answer".to_owned()))))
        }
    };
    (host, done)
}

impl Shared {
    async fn order(
        &self,
        host: &str,
        replaces: Option<instant_acme::CertificateIdentifier<'static>>,
    ) -> Result<Issued, OrderError> {
        let meanwhile = self.state().book.meanwhile(host, Timestamp::now(), Chance::draw());
        if let Some(attempt) = meanwhile {
            kept(self.store.save_attempt(host, &attempt));
        }
        let ordering = Ordering {
            host,
            kind: self.settings.challenge,
            replaces,
            check_resolves: self.settings.check_resolves,
        };
        ordering.run(&self.accounts, &self.challenges).await
    }

    async fn ask(&self, identifier: &instant_acme::CertificateIdentifier<'_>) -> Result<Window, Asked> {
        let account = self.accounts.get().await.map_err(|error| Asked::Failed(chain(&error)))?;
        let (info, ask_after) = account.renewal_info(identifier).await.map_err(|error| match error {
            instant_acme::Error::Unsupported(_) => Asked::NotOffered,
            error => Asked::Failed(chain(&error)),
        })?;
        let instant =
            |seconds| Timestamp::from_second(seconds).map_err(|error| Asked::Failed(error.to_string()));
        Ok(Window {
            start: instant(info.suggested_window.start.unix_timestamp())?,
            end: instant(info.suggested_window.end.unix_timestamp())?,
            ask_after: SignedDuration::try_from(ask_after).unwrap_or(SignedDuration::MAX),
        })
    }

    async fn done(
        &self,
        hosts: &mut HashMap<task::Id, String>,
        done: Result<(task::Id, (String, Done)), JoinError>,
    ) {
        let (host, done) = match done {
            Ok((id, (host, done))) => {
                hosts.remove(&id);
                (host, done)
            }
            Err(error) => {
                let Some(host) = hosts.remove(&error.id()) else { return };
                (host, Done::Ordered(Err(OrderError::Broken)))
            }
        };
        match done {
            Done::Ordered(Ok(issued)) => match self.issued(&host, &issued) {
                Ok(()) => {}
                Err(error) => self.failed(&host, &error).await,
            },
            Done::Ordered(Err(error)) => self.failed(&host, &error).await,
            Done::Asked(asked) => self.asked(&host, asked),
        }
    }

    fn issued(&self, host: &str, issued: &Issued) -> Result<(), OrderError> {
        let Issued { chain, key } = issued;
        let certificate = Certificate::parse(chain.as_bytes(), key.as_bytes())?;
        let renew_at = schedule::renewal(certificate.from, certificate.until, Chance::draw());
        let record = Record { directory: self.settings.directory.to_string(), renew_at };
        // It is used even if it cannot be kept: the host is served now, and the log says what the next start costs.
        kept(self.store.save(host, chain, key, &record));
        kept(self.store.forget_attempt(host));
        info!(host, until = %certificate.until, %renew_at, "a certificate was issued");
        let mut state = self.state();
        state.book.issued(host, Kept { certificate, record }, Timestamp::now());
        self.publish(&mut state);
        Ok(())
    }

    async fn failed(&self, host: &str, error: &OrderError) {
        if error.is_account_gone() {
            kept(self.accounts.forget().await);
        }
        let message = chain(error);
        let attempt =
            self.state().book.failed(host, error.severity(), message, Timestamp::now(), Chance::draw());
        warn!(host, next_try = %attempt.not_before, "no certificate: {}", attempt.message);
        kept(self.store.save_attempt(host, &attempt));
        self.changes.send_replace(());
    }

    fn asked(&self, host: &str, asked: Result<Window, Asked>) {
        let now = Timestamp::now();
        match asked {
            Ok(window) => {
                let moved = self.state().book.window(host, &window, now, Chance::draw());
                if let Some(Kept { record, .. }) = moved {
                    info!(host, renew_at = %record.renew_at, "the certificate authority suggests another time of renewal");
                    kept(self.store.save_record(host, &record));
                }
            }
            Err(Asked::NotOffered) => self.state().book.no_window(host, true, now),
            Err(Asked::Failed(reason)) => {
                debug!(host, "cannot ask for the time of renewal: {reason}");
                self.state().book.no_window(host, false, now);
            }
        }
    }

    fn look_at_files(&self) {
        let mut state = self.state();
        if state.files.reload() {
            self.publish(&mut state);
        }
    }
}

/// What the disk would not take is known in memory all the same.
fn kept(result: Result<(), StoreError>) {
    if let Err(error) = result {
        error!("{}", chain(&error));
    }
}
