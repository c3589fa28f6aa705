//! Who wants a certificate, who has one, and what is to be done when. Pure: it knows neither the clock nor the network.

use std::collections::{BTreeMap, BTreeSet};

use instant_acme::CertificateIdentifier;
use jiff::{SignedDuration, Timestamp, Unit};

use crate::{
    fitness::{self, Unfit},
    schedule::{self, Chance, Severity},
    settings::Directory,
    store::{Attempt, Kept},
};

/// Jobs at once. An authority has limits, and so has a small machine when it starts with many hosts.
const AT_ONCE: usize = 4;
/// How soon, and how late, an authority is asked again for its suggested window.
const ASK_AGAIN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
/// After it could not be asked.
const ASK_AFTER_FAILURE: SignedDuration = SignedDuration::from_hours(6);

/// All hosts.
pub(crate) struct Book {
    directory: Directory,
    /// Whether anything is ordered at all.
    orders: bool,
    hosts: BTreeMap<String, Entry>,
    running: usize,
}

/// What is known of a host.
#[derive(Default)]
pub(crate) struct Entry {
    pub(crate) wanted: bool,
    pub(crate) unfit: Option<Unfit>,
    /// Served with a certificate from files.
    pub(crate) covered: bool,
    pub(crate) kept: Option<Kept>,
    pub(crate) attempt: Option<Attempt>,
    pub(crate) job: Option<Job>,
    /// When the authority is asked for its window; never where it has none.
    ask_at: Option<Timestamp>,
    /// Whether it has suggested one for this certificate: then it also wants to know what a new one replaces.
    has_window: bool,
}

/// Something to do for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Order { replaces: Option<CertificateIdentifier<'static>> },
    AskWindow { identifier: CertificateIdentifier<'static> },
}

/// When an authority would have a certificate renewed.
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) ask_after: SignedDuration,
}

impl Book {
    pub(crate) fn new(directory: Directory, orders: bool) -> Self {
        Self { directory, orders, hosts: BTreeMap::new(), running: 0 }
    }

    /// What was found on disk.
    pub(crate) fn remember(
        &mut self,
        kept: Vec<(String, Kept)>,
        attempts: Vec<(String, Attempt)>,
        now: Timestamp,
    ) {
        for (host, kept) in kept {
            let entry = self.hosts.entry(host).or_default();
            entry.kept = Some(kept);
            entry.ask_at = Some(now);
        }
        for (host, attempt) in attempts {
            self.hosts.entry(host).or_default().attempt = Some(attempt);
        }
    }

    /// From now on these, and only these. What is known of others stays: they may come back.
    pub(crate) fn want(&mut self, hosts: BTreeSet<String>) {
        for (host, entry) in &mut self.hosts {
            entry.wanted = hosts.contains(host);
        }
        for host in hosts {
            let unfit = fitness::check(&host, &self.directory).err();
            let entry = self.hosts.entry(host).or_default();
            entry.wanted = true;
            entry.unfit = unfit;
        }
    }

    /// Which hosts have a certificate from files.
    pub(crate) fn cover(&mut self, is_covered: impl Fn(&str) -> bool) {
        for (host, entry) in &mut self.hosts {
            entry.covered = is_covered(host);
        }
    }

    /// What to do now; marked as begun. Hosts without any certificate come first.
    pub(crate) fn begin(&mut self, now: Timestamp) -> Vec<(String, Job)> {
        let free = AT_ONCE.saturating_sub(self.running);
        let mut due: Vec<(bool, Timestamp, &String)> = self
            .hosts
            .iter()
            .filter_map(|(host, entry)| Some((entry.kept.is_some(), self.due(entry)?, host)))
            .filter(|(_, at, _)| *at <= now)
            .collect();
        due.sort();
        let hosts: Vec<String> = due.into_iter().take(free).map(|(_, _, host)| host.clone()).collect();
        self.running += hosts.len();
        let mut begun = Vec::new();
        for host in hosts {
            let order = self.order_at(&self.hosts[&host]).is_some_and(|at| at <= now);
            let has_moved = self.has_moved(&self.hosts[&host]);
            let entry = self.hosts.entry(host.clone()).or_default();
            let identifier = entry.kept.as_ref().and_then(|kept| kept.certificate.identifier());
            let job = match identifier {
                Some(identifier) if !order => Job::AskWindow { identifier },
                // An authority that has taken a certificate as replaced already refuses it the next time.
                Some(identifier) if entry.has_window && entry.attempt.is_none() && !has_moved => {
                    Job::Order { replaces: Some(identifier) }
                }
                _ => Job::Order { replaces: None },
            };
            entry.job = Some(job.clone());
            begun.push((host, job));
        }
        begun
    }

    /// When there is something to do next; nothing while as much is done as may be at once.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        if self.running >= AT_ONCE {
            return None;
        }
        self.hosts.values().filter_map(|entry| self.due(entry)).min()
    }

    fn due(&self, entry: &Entry) -> Option<Timestamp> {
        let order = self.order_at(entry)?;
        let can_ask = entry.job.is_none()
            && !self.has_moved(entry)
            && entry.kept.as_ref().is_some_and(|kept| kept.certificate.identifier().is_some());
        Some(entry.ask_at.filter(|_| can_ask).map_or(order, |ask| ask.min(order)))
    }

    /// When a certificate is to be ordered, if that may be.
    fn order_at(&self, entry: &Entry) -> Option<Timestamp> {
        let orders = self.orders && entry.wanted && !entry.covered && entry.unfit.is_none();
        if !orders || entry.job.is_some() {
            return None;
        }
        let needed = match &entry.kept {
            Some(kept) if !self.has_moved(entry) => kept.record.renew_at,
            _ => Timestamp::MIN,
        };
        Some(entry.attempt.as_ref().map_or(needed, |attempt| attempt.not_before.max(needed)))
    }

    /// Whether the certificate is another authority's, such as one for trials.
    fn has_moved(&self, entry: &Entry) -> bool {
        entry.kept.as_ref().is_some_and(|kept| kept.record.directory != self.directory.as_str())
    }

    /// A certificate has come.
    pub(crate) fn issued(&mut self, host: &str, kept: Kept, now: Timestamp) {
        let entry = self.end(host);
        entry.kept = Some(kept);
        entry.attempt = None;
        entry.ask_at = Some(now);
        entry.has_window = false;
    }

    /// None has come. What is returned is what to keep of it.
    pub(crate) fn failed(
        &mut self,
        host: &str,
        severity: Severity,
        message: String,
        now: Timestamp,
        chance: Chance,
    ) -> Attempt {
        let entry = self.end(host);
        let attempt = entry.after_failure(severity, message, now, chance);
        entry.attempt.insert(attempt).clone()
    }

    /// What to keep while an order runs, in case nobody lives to see its end.
    pub(crate) fn meanwhile(&self, host: &str, now: Timestamp, chance: Chance) -> Option<Attempt> {
        let message = "HOPS ended during the order".to_owned();
        Some(self.hosts.get(host)?.after_failure(Severity::Costly, message, now, chance))
    }

    /// The authority has named a window. The new instant of renewal, if it is another one.
    pub(crate) fn window(
        &mut self,
        host: &str,
        window: &Window,
        now: Timestamp,
        chance: Chance,
    ) -> Option<Kept> {
        let entry = self.end(host);
        let (least, most) = ASK_AGAIN;
        entry.ask_at = Some(now + window.ask_after.clamp(least, most));
        entry.has_window = true;
        let kept = entry.kept.as_mut()?;
        if (window.start..=window.end).contains(&kept.record.renew_at) {
            return None;
        }
        let chosen = schedule::within_window(window.start, window.end, chance);
        kept.record.renew_at = chosen.min(kept.certificate.until);
        Some(kept.clone())
    }

    /// It has not; `never` where it has no windows at all.
    pub(crate) fn no_window(&mut self, host: &str, never: bool, now: Timestamp) {
        self.end(host).ask_at = (!never).then(|| now + ASK_AFTER_FAILURE);
    }

    /// No more waiting after failures: somebody says that the reason is gone.
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        for attempt in self.hosts.values_mut().filter_map(|entry| entry.attempt.as_mut()) {
            attempt.not_before = attempt.not_before.min(now);
        }
    }

    /// All that is wanted.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.hosts.iter().filter(|(_, entry)| entry.wanted)
    }

    /// Whether anything is ordered at all.
    pub(crate) fn orders(&self) -> bool {
        self.orders
    }

    fn end(&mut self, host: &str) -> &mut Entry {
        self.running = self.running.saturating_sub(1);
        let entry = self.hosts.entry(host.to_owned()).or_default();
        entry.job = None;
        entry
    }
}

impl Entry {
    fn after_failure(&self, severity: Severity, message: String, now: Timestamp, chance: Chance) -> Attempt {
        let former = self.attempt.as_ref();
        // A name that did not resolve for a day says nothing about the first order after it does.
        let same =
            former.filter(|former| (former.severity == Severity::Free) == (severity == Severity::Free));
        let failures = same.map_or(0, |former| former.failures).saturating_add(1);
        let pause = schedule::pause(failures, severity, chance);
        Attempt { failures, severity, not_before: whole_second(now + pause), message }
    }
}

/// Nobody reads fractions in an instant that is minutes away.
fn whole_second(instant: Timestamp) -> Timestamp {
    instant.round(Unit::Second).unwrap_or(instant)
}

#[cfg(test)]
mod tests;
