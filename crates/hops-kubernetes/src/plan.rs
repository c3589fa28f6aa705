//! The difference between what is wanted and what was observed. Pure.

mod diff;
mod owned;
mod path;
mod quantity;

use std::collections::BTreeMap;

use hops_engine::{Action, ApplingPlan, Change, ObjectId, Observed, Plan, Step};
use hops_model::{ApplingName, Desired, DesiredAppling, Target};
use serde_json::Value;

pub(crate) use owned::take_over;

use crate::{
    Settings,
    kinds::Kind,
    labels,
    render::{self, Object, render},
};

/// What has to be done so that the cluster is as `desired`.
pub fn plan(desired: &Desired, observed: &Observed, settings: &Settings) -> Plan {
    let target = &desired.target;
    let live: BTreeMap<ObjectId, &Value> =
        observed.objects.iter().filter_map(|object| Some((id(object)?, object))).collect();
    let wanted = render(desired, settings);
    let last_good: BTreeMap<ObjectId, Value> = desired
        .last_good
        .values()
        .flat_map(|appling| render::render_appling(target, appling, settings))
        .map(|object| (object.id, object.body))
        .collect();

    let mut steps: Vec<Step> = wanted
        .iter()
        .map(|object| step(object, live.get(&object.id).copied(), last_good.get(&object.id), settings))
        .collect();
    steps.extend(removals(target, &live, &wanted));
    let applings =
        desired.applings.iter().map(|appling| watched(desired, appling, &steps, settings)).collect();
    Plan { target: target.clone(), release: desired.release, commit: desired.commit.clone(), steps, applings }
}

fn step(wanted: &Object, live: Option<&Value>, last_good: Option<&Value>, settings: &Settings) -> Step {
    let (action, changes) = match live {
        None => (Action::Create, Vec::new()),
        Some(live) => {
            let mut changes = diff::changes(&wanted.body, live, &settings.field_manager);
            if is_bookkeeping(wanted, &changes) {
                changes.clear();
            }
            (if changes.is_empty() { Action::Keep } else { Action::Update }, changes)
        }
    };
    Step {
        action,
        object: wanted.id.clone(),
        appling: wanted.appling.clone(),
        changes,
        body: wanted.body.clone(),
        last_good: last_good.cloned(),
    }
}

/// Whether only the release in the labels differs. An object says in which release it took its form, and it has not
/// taken another. A Deployment's labels say what its pods are, and so always follow.
fn is_bookkeeping(wanted: &Object, changes: &[Change]) -> bool {
    let labels =
        [labels::RELEASE, "app.kubernetes.io/version"].map(|label| format!("metadata.labels[{label}]"));
    let commit = format!("metadata.annotations[{}]", labels::COMMIT);
    wanted.id.kind != Kind::Deployment.as_str()
        && changes.iter().all(|change| labels.contains(&change.path) || change.path == commit)
}

/// What carries our labels and is no longer wanted, in the reverse of the order in which it was made: routes go before
/// what they lead to.
fn removals(target: &Target, live: &BTreeMap<ObjectId, &Value>, wanted: &[Object]) -> Vec<Step> {
    let is_wanted = |id: &ObjectId| wanted.iter().any(|object| object.id == *id);
    let mut removals: Vec<Step> = live
        .iter()
        .filter(|(id, object)| {
            id.kind != Kind::Namespace.as_str() && !is_wanted(id) && is_ours(target, object)
        })
        .map(|(id, object)| Step {
            action: Action::Delete,
            object: id.clone(),
            appling: label(object, labels::APPLING).and_then(|name| ApplingName::parse(name).ok()),
            changes: Vec::new(),
            body: Value::Null,
            last_good: None,
        })
        .collect();
    removals.sort_by_key(|step| std::cmp::Reverse(Kind::parse(&step.object.kind)));
    removals
}

/// Whether HOPS made it for this app. What a controller made copies labels, but has an owner.
pub(crate) fn is_ours(target: &Target, object: &Value) -> bool {
    label(object, labels::MANAGED_BY) == Some(labels::HOPS)
        && label(object, labels::APP) == Some(target.app.as_str())
        && label(object, labels::ENVIRONMENT) == Some(target.environment.as_str())
        && object.pointer("/metadata/ownerReferences").is_none()
}

fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["metadata"]["labels"][name].as_str()
}

fn watched(desired: &Desired, appling: &DesiredAppling, steps: &[Step], settings: &Settings) -> ApplingPlan {
    let deployment = steps.iter().find(|step| {
        step.object.kind == Kind::Deployment.as_str() && step.appling.as_ref() == Some(&appling.name)
    });
    let restarts = deployment.is_some_and(|step| {
        step.action == Action::Create
            || step.changes.iter().any(|change| change.path.starts_with("spec.template."))
    });
    ApplingPlan {
        name: appling.name.clone(),
        release: appling.release,
        restarts,
        port: appling.port.number(),
        url: appling.routes.first().map(|host| settings.url(host.as_str())),
        last_good: desired.last_good.get(&appling.name).map(|appling| appling.release),
    }
}

fn id(object: &Value) -> Option<ObjectId> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(ObjectId { kind: text(&object["kind"])?, name: text(&object["metadata"]["name"])? })
}

#[cfg(test)]
mod tests;
