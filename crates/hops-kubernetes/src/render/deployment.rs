//! The Deployment of an appling.

use hops_model::{DesiredAppling, Target};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::PodTemplateSpec,
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};

use super::{metadata, pod};
use crate::{Settings, labels};

/// Old `ReplicaSet`s that are kept. HOPS rolls back by its own releases; these only help people with `kubectl`.
const HISTORY: i32 = 2;

pub(super) fn render(target: &Target, appling: &DesiredAppling, settings: &Settings) -> Deployment {
    Deployment {
        metadata: metadata(target, appling, &appling.name.dns()),
        spec: Some(DeploymentSpec {
            replicas: Some(i32::from(appling.replicas)),
            revision_history_limit: Some(HISTORY),
            progress_deadline_seconds: Some(whole_seconds(settings.progress_deadline)),
            selector: LabelSelector {
                match_labels: Some(labels::selector(target, appling)),
                ..LabelSelector::default()
            },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    // All new pods start at once, and an old one goes only when a new one is ready: fast, and at no
                    // moment fewer than before.
                    max_surge: Some(IntOrString::String("100%".to_owned())),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels::of_appling(target, appling)),
                    annotations: labels::commit(appling),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod::render(target, appling, settings)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// Seconds in the form that the API wants. Settings hold at most `u32::MAX` of them.
pub(super) fn whole_seconds<T: TryFrom<u64> + From<i32>>(duration: std::time::Duration) -> T {
    T::try_from(duration.as_secs()).unwrap_or_else(|_| T::from(i32::MAX))
}
