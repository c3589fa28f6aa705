//! The network of an app in an environment, with a subnet of its own.
//!
//! Docker keeps bridge networks apart: what is on one neither sees nor reaches what is on another.

mod subnets;

use std::path::PathBuf;

use bollard::{
    errors::Error,
    models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkDisconnectRequest},
    query_parameters::{InspectNetworkOptions, ListNetworksOptions},
};
use hops_engine::EngineError;
use hops_model::Target;
use ipnet::Ipv4Net;

use crate::{daemon::Daemon, error, labels, names};

/// A network on the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    /// Its id. Names are not unique to the daemon.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The file that stands in for `/etc/hosts` in its containers, where siblings are named by one.
    pub(crate) hosts: Option<PathBuf>,
}

/// Subnets that turn out to be taken, before HOPS gives up: each is passed over for the next one.
const ATTEMPTS: usize = 32;

impl Daemon {
    /// The network of an app in an environment, made if it is not there.
    pub(crate) async fn ensure_network(&self, target: &Target) -> Result<Network, EngineError> {
        if let Some(network) = self.find_network(target).await? {
            return Ok(network);
        }
        let _making = self.making_networks().await;
        // Somebody else may have held the turn before.
        if let Some(network) = self.find_network(target).await? {
            return Ok(network);
        }
        let name = names::network(self.platform(), target);
        let mut taken = self.taken_subnets().await?;
        for _ in 0..ATTEMPTS {
            let settings = self.settings();
            let Some(subnet) = subnets::first_free(&settings.subnets, settings.subnet_prefix, &taken) else {
                break;
            };
            match self.client().create_network(request(self.platform(), target, &name, subnet)).await {
                Ok(network) => return Ok(Network { id: network.id, name, hosts: None }),
                // Taken meanwhile, or by something that only the daemon sees.
                Err(error) if is_overlap(&error) => taken.push(subnet),
                Err(error) => return Err(self.error(format!("create the network {name}"), error)),
            }
        }
        Err(EngineError::Lacking {
            engine: error::ENGINE,
            what: format!("a free subnet for the network {name}"),
            help: "add a range to `subnets` in HOPS' configuration, or remove networks with `docker network prune`",
        })
    }

    /// Removes the network of an app in an environment. What is still attached to it is detached.
    pub(crate) async fn remove_network(&self, target: &Target) -> Result<(), EngineError> {
        let Some(network) = self.find_network(target).await? else { return Ok(()) };
        let failed = |error| self.error(format!("remove the network {}", network.name), error);
        match self.client().remove_network(&network.id).await {
            Err(error) if error::is_missing(&error) => return Ok(()),
            Err(error) if has_endpoints(&error) => {}
            result => return result.map_err(failed),
        }
        let options = None::<InspectNetworkOptions>;
        let inspected = match self.client().inspect_network(&network.id, options).await {
            Err(error) if error::is_missing(&error) => return Ok(()),
            result => result.map_err(failed)?,
        };
        for (container, endpoint) in inspected.containers.unwrap_or_default() {
            let name = endpoint.name.unwrap_or_default();
            tracing::warn!(
                network = network.name,
                container = name,
                "detached a container from a removed network"
            );
            // An endpoint that a crash of the daemon left behind belongs to no container, and goes by its own name.
            let container = if container.starts_with("ep-") { name } else { container };
            let request = NetworkDisconnectRequest { container, force: Some(true) };
            match self.client().disconnect_network(&network.id, request).await {
                Err(error) if error::is_missing(&error) => {}
                result => result.map_err(failed)?,
            }
        }
        match self.client().remove_network(&network.id).await {
            Err(error) if error::is_missing(&error) => Ok(()),
            result => result.map_err(failed),
        }
    }

    async fn find_network(&self, target: &Target) -> Result<Option<Network>, EngineError> {
        let name = names::network(self.platform(), target);
        // The filter takes parts of names, too.
        let filters = std::collections::HashMap::from([("name".to_owned(), vec![name.clone()])]);
        let options = ListNetworksOptions { filters: Some(filters) };
        let listed = self.client().list_networks(Some(options)).await;
        let mut listed = listed.map_err(|error| self.error(format!("look for the network {name}"), error))?;
        listed.retain(|network| network.name.as_ref() == Some(&name));
        // Of several with this name, which two HOPS at once can make, all take the oldest.
        listed.sort_by(|one, other| one.created.cmp(&other.created));
        let is_empty = listed.is_empty();
        let ours = listed.into_iter().find(|network| {
            labels::is_of(network.labels.as_ref(), self.platform())
                && network.labels.as_ref().and_then(labels::target).as_ref() == Some(target)
        });
        match ours.and_then(|network| network.id) {
            Some(id) => Ok(Some(Network { id, name, hosts: None })),
            None if is_empty => Ok(None),
            None => Err(EngineError::NotOurs { object: format!("network {name}") }),
        }
    }

    /// Subnets of the daemon's networks, and of all that the machine has routes to.
    async fn taken_subnets(&self) -> Result<Vec<Ipv4Net>, EngineError> {
        let networks = self.client().list_networks(None::<ListNetworksOptions>).await;
        let networks = networks.map_err(|error| self.error("list the networks", error))?;
        let configured = networks.into_iter().filter_map(|network| network.ipam?.config).flatten();
        let mut taken: Vec<Ipv4Net> = configured.filter_map(|config| config.subnet?.parse().ok()).collect();
        match tokio::fs::read_to_string("/proc/net/route").await {
            Ok(table) => taken.extend(subnets::routes(&table)),
            // The daemon refuses what overlaps with its own networks in any case.
            Err(error) => tracing::debug!(%error, "the machine's routes cannot be read"),
        }
        Ok(taken)
    }
}

fn request(platform: &str, target: &Target, name: &str, subnet: Ipv4Net) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig { subnet: Some(subnet.to_string()), ..IpamConfig::default() }]),
            ..Ipam::default()
        }),
        labels: Some(labels::of_app(platform, target)),
        ..NetworkCreateRequest::default()
    }
}

fn is_overlap(error: &Error) -> bool {
    error::answer(error).is_some_and(|(_, words)| {
        let words = words.to_ascii_lowercase();
        words.contains("overlaps") || words.contains("conflicts with network")
    })
}

fn has_endpoints(error: &Error) -> bool {
    error::answer(error).is_some_and(|(_, words)| words.contains("has active endpoints"))
}
