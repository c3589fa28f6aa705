//! How many pods of an appling may be away while machines are emptied.

use hops_model::{DesiredAppling, Target};
use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::metadata;
use crate::labels;

pub(super) fn render(target: &Target, appling: &DesiredAppling) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: metadata(target, appling, &appling.name.dns()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(labels::selector(target, appling)),
                ..LabelSelector::default()
            }),
            // A pod that takes no requests anyway must not keep an operator from emptying a machine.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}
