//! Which appling has which host: the proxy's routes, and whose they are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use hops_model::{ApplingName, Cause, CauseCode, HostName, Target};
use hops_proxy::{Https, Route, Routes, Upstream};

/// An appling of a target.
pub(crate) type Owner = (Target, ApplingName);

/// The hosts of all applings.
pub(crate) struct Hosts {
    routes: Routes,
    https: Https,
    owners: Mutex<HashMap<HostName, Owner>>,
}

impl Hosts {
    pub(crate) fn new(routes: Routes, https: Https) -> Self {
        Self { routes, https, owners: Mutex::default() }
    }

    /// The first of these hosts that another app, or another environment, has.
    pub(crate) fn taken(&self, target: &Target, hosts: &[HostName]) -> Option<Cause> {
        taken(&self.owners.lock().unwrap_or_else(PoisonError::into_inner), target, hosts)
    }

    /// Routes those hosts to an appling on its way that nobody has: they answer that nothing is ready yet, and their
    /// certificates can be had. Nothing is routed where another app, or another environment, has one of them.
    pub(crate) fn claim(&self, owner: &Owner, hosts: &[HostName], upstream: &Arc<Upstream>) -> Option<Cause> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = taken(&owners, &owner.0, hosts);
        if taken.is_none() {
            self.change(&mut owners, owner, hosts, upstream, |there| there.is_none());
        }
        taken
    }

    /// Routes hosts to an appling that is live, those of its siblings included: it is what they move to. It has no
    /// others from now on.
    pub(crate) fn take(&self, owner: &Owner, hosts: &[HostName], upstream: &Arc<Upstream>) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(&mut owners, owner, hosts, upstream, |there| {
            there.is_none_or(|there| there.0 == owner.0)
        });
        drop(owners);
        self.keep(owner, hosts);
    }

    /// Takes away from an appling all hosts but these.
    pub(crate) fn keep(&self, owner: &Owner, hosts: &[HostName]) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<HostName> = owners
            .iter()
            .filter(|(host, of)| *of == owner && !hosts.contains(host))
            .map(|(host, _)| host.clone())
            .collect();
        owners.retain(|host, _| !gone.contains(host));
        if !gone.is_empty() {
            self.routes.update(|table| gone.iter().for_each(|host| table.remove(host.as_str())));
        }
    }

    fn change(
        &self,
        owners: &mut HashMap<HostName, Owner>,
        owner: &Owner,
        hosts: &[HostName],
        upstream: &Arc<Upstream>,
        may_have: impl Fn(Option<&Owner>) -> bool,
    ) {
        let news: Vec<&HostName> = hosts
            .iter()
            .filter(|host| {
                let there = owners.get(*host);
                there != Some(owner) && may_have(there)
            })
            .collect();
        if news.is_empty() {
            return;
        }
        self.routes.update(|table| {
            for host in &news {
                table.set(host.as_str(), Route { upstream: Arc::clone(upstream), https: self.https });
            }
        });
        for host in news {
            owners.insert(host.clone(), owner.clone());
        }
    }
}

fn taken(owners: &HashMap<HostName, Owner>, target: &Target, hosts: &[HostName]) -> Option<Cause> {
    hosts.iter().find_map(|host| {
        let (owner, _) = owners.get(host).filter(|(owner, _)| owner != target)?;
        Some(Cause::new(
            CauseCode::RouteTaken,
            format!("{host} leads to {owner} already"),
            "choose another `domain`, or take it away from the other app first",
        ))
    })
}

#[cfg(test)]
mod tests {
    use hops_model::{AppName, Environment};

    use super::*;

    fn owner(app: &str, appling: &str) -> (Owner, Arc<Upstream>) {
        let target = Target::new(AppName::parse(app).unwrap(), Environment::Prod);
        ((target, ApplingName::parse(appling).unwrap()), Upstream::new(appling))
    }

    fn host(text: &str) -> Vec<HostName> {
        vec![HostName::parse(text).unwrap()]
    }

    fn leads_to(routes: &Routes, host: &str) -> Option<String> {
        routes.get(host).map(|route| route.upstream.name().to_owned())
    }

    #[test]
    fn a_host_moves_once_its_new_owner_is_live() {
        let routes = Routes::new();
        let hosts = Hosts::new(routes.clone(), Https::Never);
        let ((old, old_upstream), (new, new_upstream)) = (owner("shop", "old"), owner("shop", "new"));
        let shop = host("shop.example.com");
        assert_eq!(hosts.claim(&old, &shop, &old_upstream), None);
        assert_eq!(hosts.claim(&new, &shop, &new_upstream), None, "it waits for its turn");
        assert_eq!(leads_to(&routes, "shop.example.com").as_deref(), Some("old"));
        hosts.take(&new, &shop, &new_upstream);
        assert_eq!(leads_to(&routes, "shop.example.com").as_deref(), Some("new"));
        // Its former owner goes, the host stays.
        hosts.keep(&old, &[]);
        assert_eq!(leads_to(&routes, "shop.example.com").as_deref(), Some("new"));
        hosts.take(&new, &host("other.example.com"), &new_upstream);
        assert_eq!(routes.hosts(), ["other.example.com"]);
    }

    #[test]
    fn another_apps_host_is_refused_by_name() {
        let hosts = Hosts::new(Routes::new(), Https::Never);
        let ((shop, upstream), (other, _)) = (owner("shop", "web"), owner("other", "web"));
        let taken = host("shop.example.com");
        hosts.take(&shop, &taken, &upstream);
        assert!(hosts.taken(&shop.0, &taken).is_none());
        let cause = hosts.taken(&other.0, &taken).unwrap();
        assert_eq!(hosts.claim(&other, &taken, &upstream), Some(cause.clone()));
        assert_eq!(cause.code, CauseCode::RouteTaken);
        assert_eq!(cause.message, "shop.example.com leads to shop in prod already");
        hosts.keep(&shop, &[]);
        assert!(hosts.taken(&other.0, &taken).is_none());
    }
}
