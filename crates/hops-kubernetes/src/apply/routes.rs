//! Which hosts a plan gives to an appling, and takes away. Pure.

use hops_engine::{Action, Step};
use serde_json::Value;

use crate::{kinds::Kind, rollout::NewRoutes};

/// The hosts of an Ingress that it did not have before; none where there are no such hosts, or it is no Ingress.
pub(super) fn new_routes(step: &Step) -> Option<NewRoutes> {
    let hosts: Vec<String> = gained(step).into_iter().map(str::to_owned).collect();
    (!hosts.is_empty()).then(|| NewRoutes { ingress: step.object.name.clone(), hosts })
}

/// The hosts that an Ingress gets.
pub(super) fn gained(step: &Step) -> Vec<&str> {
    let (before, after) = before_and_after(step);
    after.into_iter().filter(|host| !before.contains(host)).collect()
}

/// The hosts that an Ingress has no more. Of one that goes as a whole a plan does not say them.
pub(super) fn lost(step: &Step) -> Vec<&str> {
    let (before, after) = before_and_after(step);
    before.into_iter().filter(|host| !after.contains(host)).collect()
}

fn before_and_after(step: &Step) -> (Vec<&str>, Vec<&str>) {
    if step.object.kind != Kind::Ingress.as_str() {
        return (Vec::new(), Vec::new());
    }
    let after = hosts(&step.body["spec"]["rules"]).collect();
    match step.action {
        Action::Create => (Vec::new(), after),
        Action::Update => match step.changes.iter().find(|change| change.path == "spec.rules") {
            Some(rules) => (rules.before.iter().flat_map(hosts).collect(), after),
            None => (after.clone(), after),
        },
        Action::Keep | Action::Delete => (Vec::new(), Vec::new()),
    }
}

fn hosts(rules: &Value) -> impl Iterator<Item = &str> {
    rules.as_array().into_iter().flatten().filter_map(|rule| rule["host"].as_str())
}

#[cfg(test)]
mod tests {
    use hops_engine::{Change, ObjectId};
    use serde_json::json;

    use super::*;

    /// What is new once an Ingress has the hosts `a` and `b`.
    fn check(kind: &str, action: Action, changed: Option<(&str, Value)>, expected: &[&str]) {
        let rules = json!([{"host": "a"}, {"host": "b"}]);
        let change = |(path, before): (&str, Value)| Change {
            path: path.to_owned(),
            before: Some(before),
            after: Some(rules.clone()),
            changed_by: None,
        };
        let step = Step {
            action,
            object: ObjectId { kind: kind.to_owned(), name: "web".to_owned() },
            appling: None,
            changes: changed.into_iter().map(change).collect(),
            body: json!({"spec": {"rules": rules}}),
            last_good: None,
        };
        assert_eq!(new_routes(&step).map_or(Vec::new(), |routes| routes.hosts), expected);
    }

    #[test]
    fn a_host_is_new_where_its_ingress_did_not_have_it() {
        check("Ingress", Action::Create, None, &["a", "b"]);
        check("Ingress", Action::Update, Some(("spec.rules", json!([{"host": "a"}]))), &["b"]);
        check("Ingress", Action::Update, Some(("spec.rules", json!([{"host": "b"}, {"host": "a"}]))), &[]);
        check("Ingress", Action::Update, Some(("spec.ingressClassName", json!("other"))), &[]);
        check("Ingress", Action::Keep, None, &[]);
        check("Deployment", Action::Create, None, &[]);
    }
}
