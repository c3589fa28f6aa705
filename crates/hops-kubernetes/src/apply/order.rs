//! In which order a plan's steps are done. Pure.

use hops_engine::{Action, Plan, Step};

use crate::kinds::Kind;

/// A plan's steps, in order.
pub(super) struct Order<'a> {
    /// Stages before the roll-outs are watched; the steps of one go side by side.
    pub(super) before: Vec<Vec<&'a Step>>,
    /// What makes an appling reachable, each once that appling works.
    pub(super) opening: Vec<&'a Step>,
    /// Once all applings are live.
    pub(super) removals: Vec<&'a Step>,
}

/// The order of a plan's steps.
///
/// What makes an appling reachable is changed once its new form works: until then its former form serves, which may have
/// been private, or at other hosts. An appling that has no former form has nothing that answers too early, and its routes
/// come before it works, so that its certificates do; but not where routes go away: then a new one may be the same host on
/// its way to another appling. (An `HTTPRoute` alone goes only where a
/// platform has no Gateway any more.)
pub(super) fn order(plan: &Plan) -> Order<'_> {
    let kind = |step: &Step| Kind::parse(&step.object.kind);
    let removals: Vec<&Step> = plan.steps.iter().filter(|step| step.action == Action::Delete).collect();
    let routes_move = removals.iter().any(|step| kind(step) == Some(Kind::Ingress));
    let serves = |step: &Step| {
        plan.applings.iter().any(|it| Some(&it.name) == step.appling.as_ref() && it.last_good.is_some())
    };
    let opens = |step: &Step| match kind(step) {
        Some(Kind::Ingress | Kind::HttpRoute) => true,
        // The one of an appling lets the ingress in; that of the app is what shuts others out.
        Some(Kind::NetworkPolicy) => step.appling.is_some(),
        _ => false,
    };
    let to_put = plan.steps.iter().filter(|step| matches!(step.action, Action::Create | Action::Update));
    let (opening, early): (Vec<&Step>, Vec<&Step>) =
        to_put.partition(|step| opens(step) && (routes_move || serves(step)));
    let stage = |kinds: &[Kind]| -> Vec<&Step> {
        early.iter().copied().filter(|step| kind(step).is_some_and(|kind| kinds.contains(&kind))).collect()
    };
    let before = vec![
        stage(&[Kind::Namespace]),
        stage(&[Kind::NetworkPolicy, Kind::PodDisruptionBudget, Kind::Service]),
        stage(&[Kind::Deployment]),
        stage(&[Kind::Ingress, Kind::HttpRoute]),
    ];
    Order { before, opening, removals }
}
