//! Which hosts a plan gives to an appling that did not have them. Pure.

use hops_engine::{Action, Step};
use serde_json::Value;

use crate::{kinds::Kind, rollout::NewRoutes};

/// The hosts of an Ingress that it did not have before; none where there are no such hosts, or it is no Ingress.
pub(super) fn new_routes(step: &Step) -> Option<NewRoutes> {
    if step.object.kind != Kind::Ingress.as_str() {
        return None;
    }
    let before: Vec<&str> = match step.action {
        Action::Create => Vec::new(),
        Action::Update => {
            let rules = step.changes.iter().find(|change| change.path == "spec.rules")?;
            rules.before.iter().flat_map(hosts).collect()
        }
        Action::Keep | Action::Delete => return None,
    };
    let new = hosts(&step.body["spec"]["rules"]).filter(|host| !before.contains(host));
    let hosts: Vec<String> = new.map(str::to_owned).collect();
    (!hosts.is_empty()).then(|| NewRoutes { ingress: step.object.name.clone(), hosts })
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
