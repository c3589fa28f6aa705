//! Which host is served by which upstream: an immutable table behind an atomic pointer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::upstream::Upstream;

/// All routes. Cheap to clone; every clone is the same table.
///
/// Requests read the table without a lock. Writers exclude one another; what they wrote is in effect for every
/// request that arrives after they return.
#[derive(Clone, Debug, Default)]
pub struct Routes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    table: ArcSwap<Table>,
    writer: Mutex<()>,
    changes: watch::Sender<()>,
}

/// Where one host's requests go.
#[derive(Clone, Debug)]
pub struct Route {
    /// Who serves it.
    pub upstream: Arc<Upstream>,
    /// What becomes of a request over plain HTTP.
    pub https: Https,
}

/// What becomes of a request over plain HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Https {
    /// It is served as it came.
    Never,
    /// It is sent to HTTPS as soon as there is a certificate for the host; served as it came before that.
    #[default]
    WhenCertified,
    /// It is sent to HTTPS, wherever the proxy has a listener for that.
    Always,
}

/// Hosts and their routes; see [`Routes::update`].
#[derive(Clone, Debug, Default)]
pub struct Table(HashMap<Box<str>, Arc<Route>>);

impl Routes {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces the route of one host. In effect when this returns.
    pub fn set(&self, host: &str, route: Route) {
        self.update(|table| table.set(host, route));
    }

    /// Takes the route of one host away. In effect when this returns.
    pub fn remove(&self, host: &str) {
        self.update(|table| table.remove(host));
    }

    /// Changes many routes at once: requests see the table from before or from after, never one in between.
    pub fn update(&self, change: impl FnOnce(&mut Table)) {
        // A writer that panicked has stored nothing: the table is whole.
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = Table::clone(&self.0.table.load());
        change(&mut table);
        self.0.table.store(Arc::new(table));
        self.0.changes.send_replace(());
    }

    /// Changes after the table did.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// All hosts, sorted.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<_> = self.0.table.load().0.keys().map(ToString::to_string).collect();
        hosts.sort_unstable();
        hosts
    }

    /// The route of a host, if there is one.
    pub fn get(&self, host: &str) -> Option<Arc<Route>> {
        self.0.table.load().get(&normal(host)).cloned()
    }

    /// The table behind its pointer, for the request path.
    pub(crate) fn table(&self) -> &ArcSwap<Table> {
        &self.0.table
    }
}

impl Table {
    /// Adds or replaces the route of one host.
    pub fn set(&mut self, host: &str, route: Route) {
        self.0.insert(normal(host).into(), Arc::new(route));
    }

    /// Takes the route of one host away.
    pub fn remove(&mut self, host: &str) {
        self.0.remove(normal(host).as_str());
    }

    /// The route of a host in its normal form (lower case, no port, no dot at the end).
    pub(crate) fn get(&self, host: &str) -> Option<&Arc<Route>> {
        self.0.get(host)
    }

    /// Every upstream that is routed to, once.
    pub(crate) fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let mut upstreams: Vec<_> = self.0.values().map(|route| Arc::clone(&route.upstream)).collect();
        upstreams
            .sort_by(|one, other| (one.name(), Arc::as_ptr(one)).cmp(&(other.name(), Arc::as_ptr(other))));
        upstreams.dedup_by(|one, other| Arc::ptr_eq(one, other));
        upstreams
    }
}

/// How hosts are compared: lower case, without the dot of the root.
pub(crate) fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str) -> Route {
        Route { upstream: Upstream::new(name), https: Https::Never }
    }

    #[test]
    fn whoever_waits_for_changes_sees_them() {
        let routes = Routes::new();
        let mut changes = routes.changes();
        assert!(!changes.has_changed().unwrap());
        routes.set("a.localhost", route("a"));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        routes.remove("a.localhost");
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn hosts_are_compared_without_case_and_root() {
        let routes = Routes::new();
        routes.set("Shop.Example.", route("shop"));
        assert_eq!(routes.hosts(), ["shop.example"]);
        assert!(routes.get("SHOP.example").is_some());
        routes.remove("shop.EXAMPLE");
        assert!(routes.hosts().is_empty());
    }

    #[test]
    fn many_changes_are_one_swap() {
        let routes = Routes::new();
        routes.set("a.example", route("a"));
        let before = routes.table().load_full();
        routes.update(|table| {
            table.set("b.example", route("b"));
            table.remove("a.example");
        });
        assert!(before.get("a.example").is_some() && before.get("b.example").is_none());
        assert_eq!(routes.hosts(), ["b.example"]);
    }

    #[test]
    fn an_upstream_behind_two_hosts_is_counted_once() {
        let routes = Routes::new();
        let shop = route("shop");
        routes.set("a.example", shop.clone());
        routes.set("b.example", shop);
        routes.set("c.example", route("shop"));
        assert_eq!(routes.table().load().upstreams().len(), 2);
    }
}
