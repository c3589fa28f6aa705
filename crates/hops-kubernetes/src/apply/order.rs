//! In which order a plan's steps are done. Pure.

use hops_engine::{Action, Plan, Step};

use crate::kinds::Kind;

/// A plan's steps, in order.
pub(super) struct Order<'a> {
    /// Stages before the roll-outs are watched; the steps of one go side by side.
    pub(super) before: Vec<Vec<&'a Step>>,
    /// Once the appling is live.
    pub(super) after: Vec<&'a Step>,
    /// Once all applings are live.
    pub(super) removals: Vec<&'a Step>,
}

pub(super) fn order(plan: &Plan) -> Order<'_> {
    let kind = |step: &Step| Kind::parse(&step.object.kind);
    let is_route = |step: &Step| matches!(kind(step), Some(Kind::Ingress | Kind::HttpRoute));
    let removals: Vec<&Step> = plan.steps.iter().filter(|step| step.action == Action::Delete).collect();
    // Where routes go away, a new one may be the same host on its way to another appling: it moves once that works.
    // Elsewhere a route comes early, so that its certificate does. An HTTPRoute alone goes only where a platform has no
    // Gateway any more.
    let routes_move = removals.iter().any(|step| kind(step) == Some(Kind::Ingress));
    let is_late = |step: &Step| routes_move && is_route(step) && step.action == Action::Create;
    let to_put = || plan.steps.iter().filter(|step| matches!(step.action, Action::Create | Action::Update));
    let stage = |kinds: &[Kind]| -> Vec<&Step> {
        to_put()
            .filter(|step| kind(step).is_some_and(|kind| kinds.contains(&kind)) && !is_late(step))
            .collect()
    };
    let before = vec![
        stage(&[Kind::Namespace]),
        stage(&[Kind::NetworkPolicy, Kind::PodDisruptionBudget, Kind::Service]),
        stage(&[Kind::Deployment]),
        stage(&[Kind::Ingress, Kind::HttpRoute]),
    ];
    Order { before, after: to_put().filter(|step| is_late(step)).collect(), removals }
}
