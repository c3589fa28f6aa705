//! Probes (design.md 1, promise 8).

use hops_model::{DesiredAppling, HttpPath, Port};
use k8s_openapi::{
    api::core::v1::{HTTPGetAction, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};

/// The name of the appling's port. Services and Ingresses use it, so that pods of both numbers get traffic while a
/// roll-out changes the number.
pub(super) const PORT_NAME: &str = "http";

/// How often readiness is asked for (promise 8).
const PERIOD_S: i32 = 2;

/// A late answer is a failure; the next question comes after [`PERIOD_S`].
const TIMEOUT_S: i32 = 2;

/// Decides whether a pod takes requests. One failure may be a hiccup of the machine, two are an answer.
pub(super) fn readiness(appling: &DesiredAppling) -> Probe {
    Probe {
        period_seconds: Some(PERIOD_S),
        failure_threshold: Some(2),
        ..get(&appling.readiness_path, named())
    }
}

/// Restarts a container that answers wrongly three times in a row.
pub(super) fn liveness(path: &HttpPath) -> Probe {
    Probe { period_seconds: Some(10), failure_threshold: Some(3), ..get(path, named()) }
}

/// Holds [`liveness`] back until its path has answered once: being slow to start is no reason for a restart, so this
/// never fails.
///
/// Only where there is a liveness path. Kubernetes asks for readiness at once when a container runs, but waits for its
/// next turn after a startup probe: measured, that makes every roll-out 0.8 s longer.
pub(super) fn startup(path: &HttpPath) -> Probe {
    Probe { period_seconds: Some(1), failure_threshold: Some(i32::MAX), ..get(path, named()) }
}

/// Holds back the appling's own container until a sidecar works.
pub(super) fn sidecar_startup(port: Port, path: &HttpPath) -> Probe {
    let port = IntOrString::Int(i32::from(port.number()));
    Probe { period_seconds: Some(1), failure_threshold: Some(i32::MAX), ..get(path, port) }
}

fn named() -> IntOrString {
    IntOrString::String(PORT_NAME.to_owned())
}

fn get(path: &HttpPath, port: IntOrString) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.as_str().to_owned()),
            port,
            scheme: Some("HTTP".to_owned()),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(TIMEOUT_S),
        success_threshold: Some(1),
        ..Probe::default()
    }
}
