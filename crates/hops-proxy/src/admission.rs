//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::settings::Settings;

/// Counts connections over all threads. Looked at once a connection, never in the request path.
#[derive(Debug)]
pub(crate) struct Admission {
    all: Arc<Semaphore>,
    limit: usize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// One of the connections that there may be in all.
pub(crate) type Permit = OwnedSemaphorePermit;

/// One of the connections that there may be from an address; counted out when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    /// None for whoever is not counted.
    address: Option<IpAddr>,
}

impl Admission {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self { all: Arc::new(Semaphore::new(limit)), limit, addresses: Mutex::default() })
    }

    /// Waits until there may be another connection.
    pub(crate) async fn permit(&self) -> Permit {
        loop {
            // Never closed, so never an error.
            if let Ok(permit) = Arc::clone(&self.all).acquire_owned().await {
                return permit;
            }
        }
    }

    /// Connections that there are.
    pub(crate) fn count(&self) -> usize {
        self.limit - self.all.available_permits()
    }

    /// Counts a connection from an address in, unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, settings: &Settings) -> Option<Admitted> {
        let address = address.to_canonical();
        if settings.trusted.iter().any(|network| network.contains(&address)) {
            return Some(Admitted { admission: Arc::clone(self), address: None });
        }
        let address = network(address);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.entry(address).or_default();
        if *count >= settings.limits.connections_per_address {
            return None;
        }
        *count += 1;
        Some(Admitted { admission: Arc::clone(self), address: Some(address) })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut addresses = self.admission.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

/// What one client has of addresses: in IPv6 a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_limit_and_ipv6_counts_by_network() {
        let mut settings = Settings::default();
        settings.limits.connections_per_address = 1;
        settings.trusted = vec!["10.0.0.0/8".parse().unwrap()];
        let admission = Admission::new(10);
        let admit = |address: &str| admission.admit(address.parse().unwrap(), &settings);
        let first = admit("2001:db8::1").unwrap();
        assert!(admit("2001:db8::2").is_none());
        assert!(admit("2001:db8:0:1::1").is_some());
        let _trusted = [admit("10.1.1.1").unwrap(), admit("::ffff:10.1.1.1").unwrap()];
        drop(first);
        assert!(admit("2001:db8::2").is_some());
        assert!(admission.addresses.lock().unwrap().is_empty());
    }
}
