//! In which order a plan's steps are done. Pure.

use std::{borrow::Cow, collections::BTreeSet};

use hops_engine::{Action, Plan, Step};
use hops_model::ApplingName;

use super::routes::{gained, lost};
use crate::kinds::Kind;

/// A plan's steps, in order.
pub(super) struct Order<'a> {
    /// Stages before the roll-outs are watched; the steps of one go side by side.
    pub(super) before: Vec<Vec<Cow<'a, Step>>>,
    /// What changes where an appling is reached, each once that appling works.
    pub(super) opening: Vec<&'a Step>,
    /// What takes hosts away that other applings get, each once its own appling and those work.
    pub(super) closing: Vec<Closing<'a>>,
    /// Once all applings are live.
    pub(super) removals: Vec<&'a Step>,
}

/// A step that takes hosts away.
pub(super) struct Closing<'a> {
    pub(super) step: &'a Step,
    /// Who gets them.
    pub(super) heirs: BTreeSet<&'a ApplingName>,
}

/// The order of a plan's steps.
///
/// What changes where an appling is reached is done once its new form works: until then its former form serves, which may
/// have been private, or at other hosts. An appling that has no former form has nothing that answers too early, and its
/// routes come before it works, so that its certificates do; but not to hosts that another appling has.
///
/// A host that moves is answered all the while: its former appling gives it away when the new one works.
pub(super) fn order(plan: &Plan) -> Order<'_> {
    let named = |step: &Step| plan.applings.iter().find(|it| Some(&it.name) == step.appling.as_ref());
    let serves = |step: &Step| named(step).is_some_and(|appling| appling.last_good.is_some());
    // Where an Ingress goes, with its appling or without, any host may be one that moves.
    let ingress_goes = plan.steps.iter().any(|step| is(step, Kind::Ingress) && step.action == Action::Delete);
    let moves = |step: &Step| {
        let losers = plan.steps.iter().filter(|other| other.appling != step.appling);
        ingress_goes || losers.flat_map(lost).any(|host| gained(step).contains(&host))
    };
    let heirs = |step: &Step| -> BTreeSet<&ApplingName> {
        let Some(loser) = plan.steps.iter().find(|it| is(it, Kind::Ingress) && it.appling == step.appling)
        else {
            return BTreeSet::new();
        };
        let others = plan.steps.iter().filter(|other| other.appling != step.appling);
        let inherits = |other: &&Step| match loser.action {
            Action::Delete => !gained(other).is_empty(),
            _ => gained(other).iter().any(|host| lost(loser).contains(host)),
        };
        others.filter(inherits).filter_map(|other| other.appling.as_ref()).collect()
    };

    let (mut opening, mut closing, mut removals, mut early) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
        let heirs = if reaches(step) && named(step).is_some() { heirs(step) } else { BTreeSet::new() };
        if !heirs.is_empty() {
            closing.push(Closing { step, heirs });
            early.extend(with_the_new_port(step).map(Cow::Owned));
        } else if step.action == Action::Delete {
            // Of an appling that stays: it becomes private, or leaves the Gateway.
            if reaches(step) && named(step).is_some() { opening.push(step) } else { removals.push(step) }
        } else if reaches(step) && (serves(step) || moves(step)) {
            opening.push(step);
            early.extend(with_the_new_port(step).map(Cow::Owned));
        } else {
            early.push(Cow::Borrowed(step));
        }
    }
    let mut stage = |kinds: &[Kind]| -> Vec<Cow<'_, Step>> {
        let is_of = |step: &Cow<'_, Step>| kinds.iter().any(|kind| is(step, *kind));
        early.extract_if(.., |step| is_of(step)).collect()
    };
    let before = vec![
        stage(&[Kind::Namespace]),
        stage(&[Kind::NetworkPolicy, Kind::PodDisruptionBudget, Kind::Service]),
        stage(&[Kind::Deployment]),
        stage(&[Kind::Ingress, Kind::HttpRoute]),
    ];
    Order { before, opening, closing, removals }
}

/// Whether a step decides where an appling is reached.
fn reaches(step: &Step) -> bool {
    // The NetworkPolicy of an appling lets the ingress in; that of the app is what shuts others out.
    is(step, Kind::Ingress)
        || is(step, Kind::HttpRoute)
        || (is(step, Kind::NetworkPolicy) && step.appling.is_some())
}

fn is(step: &Step, kind: Kind) -> bool {
    Kind::parse(&step.object.kind) == Some(kind)
}

/// An `HTTPRoute` names the port of its Service by number, and so has to follow it at once: with the hosts that it has.
fn with_the_new_port(step: &Step) -> Option<Step> {
    if !is(step, Kind::HttpRoute) || step.action != Action::Update {
        return None;
    }
    let is_of_hosts = |path: &str| path == "spec.hostnames" || !path.starts_with("spec.");
    if step.changes.iter().all(|change| is_of_hosts(&change.path)) {
        return None;
    }
    let mut body = step.body.clone();
    let hostnames = step.changes.iter().find(|change| change.path == "spec.hostnames");
    if let Some(former) = hostnames.and_then(|change| change.before.clone()) {
        body["spec"]["hostnames"] = former;
    }
    Some(Step { body, ..step.clone() })
}

#[cfg(test)]
mod tests;
