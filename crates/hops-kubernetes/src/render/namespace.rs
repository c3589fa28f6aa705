//! The namespace of an app in an environment.

use hops_model::Desired;
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::labels;

pub(super) fn render(desired: &Desired) -> Namespace {
    let mut all = labels::of_app(&desired.target);
    all.extend(labels::map([
        (labels::RELEASE, &desired.release.to_string()),
        // Images that run as root are common; `restricted` would refuse them, so it only warns.
        ("pod-security.kubernetes.io/enforce", "baseline"),
        ("pod-security.kubernetes.io/warn", "restricted"),
    ]));
    Namespace {
        metadata: ObjectMeta {
            name: Some(desired.target.namespace()),
            labels: Some(all),
            annotations: Some(labels::map([(labels::COMMIT, desired.commit.as_str())])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}
