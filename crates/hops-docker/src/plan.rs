//! The difference between what is wanted and what was observed. Pure.
//!
//! Two kinds of objects: the `Network` of an app and environment, and an `Appling` with its whole form. What HOPS makes
//! of a form, the containers, is the keeper's business and in no plan.

mod diff;

use std::collections::BTreeMap;

use hops_engine::{Action, ApplingPlan, ObjectId, Observed, Plan, Step};
use hops_model::{ApplingName, Desired, DesiredAppling, Target};
use serde_json::{Value, json};

use crate::{Settings, form::share_containers};

/// The kind of an appling with its containers and routes.
pub(crate) const APPLING: &str = "Appling";

/// The kind of an app's network.
pub(crate) const NETWORK: &str = "Network";

/// What has to be done so that the machine is as `desired`.
pub fn plan(desired: &Desired, observed: &Observed, settings: &Settings) -> Plan {
    let running: BTreeMap<ApplingName, DesiredAppling> =
        observed.objects.iter().filter_map(form_of).map(|form| (form.name.clone(), form)).collect();
    let mut steps = vec![network_step(&desired.target, observed)];
    steps.extend(desired.applings.iter().map(|wanted| {
        let last_good = desired.last_good.get(&wanted.name);
        appling_step(wanted, running.get(&wanted.name), last_good)
    }));
    let is_wanted = |name: &ApplingName| desired.applings.iter().any(|appling| appling.name == *name);
    steps.extend(running.values().filter(|appling| !is_wanted(&appling.name)).map(removal));
    let applings = desired
        .applings
        .iter()
        .map(|wanted| ApplingPlan {
            name: wanted.name.clone(),
            release: wanted.release,
            restarts: running.get(&wanted.name).is_none_or(|running| !share_containers(running, wanted)),
            port: wanted.port.number(),
            url: wanted.routes.first().map(|host| settings.url(host.as_str())),
            last_good: desired.last_good.get(&wanted.name).map(|good| good.release),
        })
        .collect();
    let (target, commit) = (desired.target.clone(), desired.commit.clone());
    Plan { target, release: desired.release, commit, steps, applings }
}

/// An appling as an object.
pub(crate) fn object_of(appling: &DesiredAppling) -> Value {
    json!({"kind": APPLING, "name": appling.service, "spec": appling})
}

/// A network as an object.
pub(crate) fn network_of(target: &Target) -> Value {
    json!({"kind": NETWORK, "name": target.namespace()})
}

/// The form that an object describes; none where it is no appling.
pub(crate) fn form_of(object: &Value) -> Option<DesiredAppling> {
    if object["kind"] != APPLING {
        return None;
    }
    serde_json::from_value(object["spec"].clone()).ok()
}

fn network_step(target: &Target, observed: &Observed) -> Step {
    let body = network_of(target);
    let is_there = observed.objects.contains(&body);
    Step {
        action: if is_there { Action::Keep } else { Action::Create },
        object: ObjectId { kind: NETWORK.to_owned(), name: target.namespace() },
        appling: None,
        changes: Vec::new(),
        body,
        last_good: None,
    }
}

fn appling_step(
    wanted: &DesiredAppling,
    running: Option<&DesiredAppling>,
    last_good: Option<&DesiredAppling>,
) -> Step {
    let (action, changes) = match running {
        None => (Action::Create, Vec::new()),
        // In which release it took its form is no part of the form.
        Some(running) => {
            let running = DesiredAppling { release: wanted.release, ..running.clone() };
            let value = |appling: &DesiredAppling| object_of(appling)["spec"].take();
            let changes = diff::changes("spec", &value(&running), &value(wanted));
            (if changes.is_empty() { Action::Keep } else { Action::Update }, changes)
        }
    };
    Step {
        action,
        object: id(wanted),
        appling: Some(wanted.name.clone()),
        changes,
        body: object_of(wanted),
        last_good: last_good.map(object_of),
    }
}

fn removal(appling: &DesiredAppling) -> Step {
    Step {
        action: Action::Delete,
        object: id(appling),
        appling: Some(appling.name.clone()),
        changes: Vec::new(),
        body: Value::Null,
        last_good: None,
    }
}

fn id(appling: &DesiredAppling) -> ObjectId {
    ObjectId { kind: APPLING.to_owned(), name: appling.service.clone() }
}

#[cfg(test)]
mod tests;
