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
    held: Mutex<HashMap<HostName, Held>>,
}

/// Who has a host, and where it leads.
struct Held {
    owner: Owner,
    upstream: Arc<Upstream>,
    /// The sibling that gets it once it works. Until then it is answered by its owner, even where that has no use for it.
    heir: Option<ApplingName>,
}

impl Hosts {
    pub(crate) fn new(routes: Routes, https: Https) -> Self {
        Self { routes, https, held: Mutex::default() }
    }

    /// The first of these hosts that another app, or another environment, has.
    pub(crate) fn taken(&self, target: &Target, hosts: &[HostName]) -> Option<Cause> {
        taken(&self.held.lock().unwrap_or_else(PoisonError::into_inner), target, hosts)
    }

    /// Routes those hosts to an appling on its way that nobody has, so that their certificates can be had: to `upstream`,
    /// where nothing may answer that does not belong there. Nothing is routed where another app, or another environment,
    /// has one of them.
    pub(crate) fn claim(&self, owner: &Owner, hosts: &[HostName], upstream: &Arc<Upstream>) -> Option<Cause> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = taken(&held, &owner.0, hosts);
        if taken.is_none() {
            self.change(&mut held, owner, hosts, upstream, |there| there.is_none());
            for host in hosts {
                let of_a_sibling = held.get_mut(host).filter(|there| there.owner != *owner);
                if let Some(there) = of_a_sibling {
                    there.heir = Some(owner.1.clone());
                }
            }
        }
        taken
    }

    /// Routes hosts to an appling that is live, those of its siblings included: it is what they move to. It has no
    /// others from now on.
    pub(crate) fn take(&self, owner: &Owner, hosts: &[HostName], upstream: &Arc<Upstream>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(&mut held, owner, hosts, upstream, |there| {
            there.is_none_or(|there| there.owner.0 == owner.0)
        });
        drop(held);
        self.keep(owner, hosts);
    }

    /// Takes away from an appling all hosts but these, and those that a sibling waits for. It waits for no others itself.
    pub(crate) fn keep(&self, owner: &Owner, hosts: &[HostName]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (target, name) = owner;
        for (host, there) in held.iter_mut().filter(|(_, there)| there.owner.0 == *target) {
            if there.heir.as_ref() == Some(name) && !hosts.contains(host) {
                there.heir = None;
            }
        }
        let gone: Vec<HostName> = held
            .iter()
            .filter(|(host, of)| of.owner == *owner && of.heir.is_none() && !hosts.contains(host))
            .map(|(host, _)| host.clone())
            .collect();
        held.retain(|host, _| !gone.contains(host));
        if !gone.is_empty() {
            self.routes.update(|table| gone.iter().for_each(|host| table.remove(host.as_str())));
        }
    }

    /// Takes all hosts away from an appling that is no more, whoever waits for them.
    pub(crate) fn release(&self, owner: &Owner) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for there in held.values_mut().filter(|there| there.owner == *owner) {
            there.heir = None;
        }
        drop(held);
        self.keep(owner, &[]);
    }

    fn change(
        &self,
        held: &mut HashMap<HostName, Held>,
        owner: &Owner,
        hosts: &[HostName],
        upstream: &Arc<Upstream>,
        may_have: impl Fn(Option<&Held>) -> bool,
    ) {
        let leads_there = |there: &Held| there.owner == *owner && Arc::ptr_eq(&there.upstream, upstream);
        let news: Vec<&HostName> = hosts
            .iter()
            .filter(|host| {
                let there = held.get(*host);
                !there.is_some_and(leads_there) && may_have(there)
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
            let (owner, upstream) = (owner.clone(), Arc::clone(upstream));
            held.insert(host.clone(), Held { owner, upstream, heir: None });
        }
    }
}

fn taken(held: &HashMap<HostName, Held>, target: &Target, hosts: &[HostName]) -> Option<Cause> {
    hosts.iter().find_map(|host| {
        let (owner, _) = &held.get(host).filter(|there| there.owner.0 != *target)?.owner;
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
    fn a_host_that_moves_between_two_that_stay_is_answered_all_the_while() {
        let routes = Routes::new();
        let hosts = Hosts::new(routes.clone(), Https::Never);
        let ((a, a_upstream), (b, b_upstream)) = (owner("shop", "a"), owner("shop", "b"));
        let (moving, own) = (host("shop.example.com"), host("a.example.com"));
        let moves = |to_the_end: bool| {
            hosts.take(&a, &[moving.clone(), own.clone()].concat(), &a_upstream);
            assert_eq!(hosts.claim(&b, &moving, &b_upstream), None);
            // The new form of `a` works first, and has it no more.
            hosts.take(&a, &own, &a_upstream);
            assert_eq!(leads_to(&routes, "shop.example.com").as_deref(), Some("a"));
            if to_the_end {
                hosts.take(&b, &moving, &b_upstream);
            } else {
                hosts.keep(&b, &[]);
            }
            leads_to(&routes, "shop.example.com")
        };
        assert_eq!(moves(false).as_deref(), Some("a"), "`b` failed");
        assert_eq!(moves(true).as_deref(), Some("b"));
        hosts.keep(&b, &[]);
        hosts.take(&a, &own, &a_upstream);
        assert_eq!(routes.hosts(), ["a.example.com"]);
        // The app is removed while one waits for a host of the other.
        assert_eq!(hosts.claim(&b, &own, &b_upstream), None);
        hosts.release(&a);
        hosts.release(&b);
        assert!(routes.hosts().is_empty());
    }

    #[test]
    fn a_host_that_waits_leads_to_what_is_live_once_it_is() {
        let routes = Routes::new();
        let hosts = Hosts::new(routes.clone(), Https::Never);
        let ((web, upstream), (_, waiting)) = (owner("shop", "web"), owner("shop", "nothing"));
        let (shop, new) = (host("shop.example.com"), host("new.example.com"));
        hosts.take(&web, &shop, &upstream);
        let both = [shop.clone(), new.clone()].concat();
        assert_eq!(hosts.claim(&web, &both, &waiting), None);
        assert_eq!(leads_to(&routes, "shop.example.com").as_deref(), Some("web"), "it serves");
        assert_eq!(leads_to(&routes, "new.example.com").as_deref(), Some("nothing"));
        hosts.take(&web, &both, &upstream);
        assert_eq!(leads_to(&routes, "new.example.com").as_deref(), Some("web"));
        assert_eq!(hosts.claim(&web, &both, &waiting), None);
        assert_eq!(leads_to(&routes, "new.example.com").as_deref(), Some("web"), "it serves");
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
