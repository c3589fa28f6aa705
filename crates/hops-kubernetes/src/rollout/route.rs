//! Waiting until the ingress controller routes a new host.
//!
//! No watch tells what a controller has taken over: it is asked, for the path that the app answers since it is ready.
//! What says "no such host" or "no pod yet" differs between controllers, but none says it with 200 to 399.

use std::{io, time::Duration};

use futures::future;
use hops_engine::{Events, Scheme};
use hops_model::{Event, Target};
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use tokio::{
    net::TcpStream,
    time::{self, Instant, MissedTickBehavior},
};

use super::{http, prove::Subject};
use crate::{Address, Settings, error::Cluster};

/// How long a host is waited for. Controllers collect changes for up to 2 s, twice if pods become ready in between.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked for.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long one answer may take: that of the readiness probe.
const ANSWER: Duration = Duration::from_secs(2);

/// Hosts that an appling did not have before.
#[derive(Debug, Clone)]
pub(crate) struct NewRoutes {
    /// The name of the Ingress that they are in.
    pub(crate) ingress: String,
    pub(crate) hosts: Vec<String>,
}

/// Where the ingress controller is asked.
struct Entrance {
    address: Address,
    /// By the operator. Else the controller names it, perhaps for others than the machine that HOPS runs on.
    is_configured: bool,
}

/// What came of asking for a host.
enum Seen {
    Routed,
    Status(u16),
    Silence,
    Unreachable(io::Error),
}

/// Waits until requests for new hosts reach an appling that is ready. A host for which they do not is warned of: that
/// is not the app's fault, which runs.
pub(crate) async fn wait(
    cluster: &Cluster,
    settings: &Settings,
    target: &Target,
    subject: &Subject,
    routes: &NewRoutes,
    events: &Events,
) {
    if subject.wanted == 0 {
        return;
    }
    let Some(entrance) = entrance(cluster, settings, target, routes).await else { return };
    let until = Instant::now() + PATIENCE;
    let waits = routes.hosts.iter().map(|host| wait_for(&entrance, settings, subject, host, until, events));
    future::join_all(waits).await;
}

async fn wait_for(
    entrance: &Entrance,
    settings: &Settings,
    subject: &Subject,
    host: &str,
    until: Instant,
    events: &Events,
) {
    let mut last = None;
    let asking = async {
        let mut turns = time::interval(INTERVAL);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            match ask(&entrance.address, host, &subject.readiness_path).await {
                Seen::Routed => return,
                Seen::Unreachable(error) if !entrance.is_configured => {
                    tracing::debug!(address = %entrance.address, %error, "the ingress cannot be asked from here");
                    return;
                }
                seen => {
                    if last.replace(seen).is_none() {
                        events.send(Event::Rollout {
                            appling: subject.appling.clone(),
                            ready: subject.wanted,
                            wanted: subject.wanted,
                            message: format!("waiting for the ingress to route {host}"),
                        });
                    }
                }
            }
        }
    };
    if time::timeout_at(until, asking).await.is_ok() {
        return;
    }
    let answer = match last {
        Some(Seen::Status(status)) => format!("it answers {status}"),
        Some(Seen::Unreachable(error)) => format!("it cannot be reached ({error})"),
        Some(Seen::Silence | Seen::Routed) | None => "it does not answer".to_owned(),
    };
    events.send(Event::Warning {
        message: format!(
            "the ingress at {} does not route {host} to {} yet: {answer}; hint: the app itself is ready, so look at \
             `ingress_address` in the server's configuration, and at the controller for the class `{}`",
            entrance.address, subject.appling, settings.ingress_class,
        ),
    });
}

async fn entrance(
    cluster: &Cluster,
    settings: &Settings,
    target: &Target,
    routes: &NewRoutes,
) -> Option<Entrance> {
    if let Some(address) = settings.ingress_address.clone() {
        return Some(Entrance { address, is_configured: true });
    }
    let ingresses: Api<Ingress> = Api::namespaced(cluster.client.clone(), &target.namespace());
    match time::timeout(ANSWER, ingresses.get_opt(&routes.ingress)).await {
        Ok(Ok(ingress)) => Some(Entrance { address: published(&ingress?, settings)?, is_configured: false }),
        Ok(Err(error)) => {
            tracing::debug!(ingress = routes.ingress, %error, "cannot read where the ingress is");
            None
        }
        Err(_) => None,
    }
}

/// Where the controller says that it is, if it does.
fn published(ingress: &Ingress, settings: &Settings) -> Option<Address> {
    let points = ingress.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?;
    let host = points.iter().find_map(|point| point.ip.as_ref().or(point.hostname.as_ref()))?;
    let port = settings.public_port.filter(|_| settings.public_scheme == Scheme::Http);
    Some(Address::new(host, port.unwrap_or(80)))
}

async fn ask(address: &Address, host: &str, path: &str) -> Seen {
    let mut answer = Vec::new();
    let asking = async {
        let mut stream = TcpStream::connect(address.parts()).await.map_err(Seen::Unreachable)?;
        // Whatever breaks afterwards, what was read before says more.
        let _ = http::get(&mut stream, host, path, &mut answer).await;
        Ok(())
    };
    if let Ok(Err(unreachable)) = time::timeout(ANSWER, asking).await {
        return unreachable;
    }
    match http::status(&String::from_utf8_lossy(&answer)) {
        Some(200..400) => Seen::Routed,
        Some(status) => Seen::Status(status),
        None => Seen::Silence,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_controllers_own_word_is_taken_with_the_port_of_plain_http() {
        let check = |point: serde_json::Value, settings: &Settings, expected: Option<&str>| {
            let status = json!({"status": {"loadBalancer": {"ingress": [point]}}});
            let ingress: Ingress = serde_json::from_value(status).unwrap();
            assert_eq!(published(&ingress, settings).map(|address| address.to_string()).as_deref(), expected);
        };
        let odd = Settings { public_port: Some(8443), ..Settings::default() };
        let plain = Settings { public_scheme: Scheme::Http, public_port: Some(8081), ..Settings::default() };
        check(json!({"ip": "192.0.2.7"}), &Settings::default(), Some("192.0.2.7:80"));
        check(json!({"hostname": "lb.example.com"}), &odd, Some("lb.example.com:80"));
        check(json!({"ip": "2001:db8::7"}), &plain, Some("[2001:db8::7]:8081"));
        check(json!({}), &plain, None);
    }
}
