use hops_engine::{ApplingPlan, Change, ObjectId};
use hops_model::{CommitId, Environment, ReleaseNumber, Target};
use serde_json::{Value, json};

use super::*;

fn name(text: &str) -> ApplingName {
    ApplingName::parse(text).unwrap()
}

fn rules(hosts: &[&str]) -> Value {
    hosts.iter().map(|host| json!({"host": host})).collect()
}

/// A step for an appling; an Ingress with the hosts that it had and those that it gets.
fn step(action: Action, kind: Kind, appling: &str, before: &[&str], after: &[&str]) -> Step {
    let change = Change {
        path: "spec.rules".to_owned(),
        before: Some(rules(before)),
        after: Some(rules(after)),
        changed_by: None,
    };
    Step {
        action,
        object: ObjectId { kind: kind.as_str().to_owned(), name: appling.to_owned() },
        appling: Some(name(appling)),
        changes: if action == Action::Update { vec![change] } else { Vec::new() },
        body: json!({"spec": {"rules": rules(after)}}),
        last_good: None,
    }
}

/// A plan for these applings, of which those with a star have a former form.
fn plan(applings: &[&str], steps: Vec<Step>) -> Plan {
    let release = ReleaseNumber(2);
    let appling = |text: &&str| ApplingPlan {
        name: name(text.trim_end_matches('*')),
        release,
        restarts: true,
        port: 3030,
        url: None,
        last_good: text.ends_with('*').then_some(ReleaseNumber(1)),
    };
    Plan {
        target: Target::new("shop".parse().unwrap(), Environment::Prod),
        release,
        commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        steps,
        applings: applings.iter().map(appling).collect(),
    }
}

/// The order in words: what is early, what opens, what closes after whom, what is removed.
fn check(plan: &Plan, expected: &str) {
    let order = order(plan);
    let say = |step: &Step| {
        let hosts: Vec<&str> = step.body["spec"]["hostnames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let of = step.appling.as_ref().map_or("app", ApplingName::as_str);
        [&format!("{} {of}", step.object.kind), hosts.join(" ").as_str()].join(" ").trim().to_owned()
    };
    let list = |steps: Vec<String>| steps.join(", ");
    let early = list(order.before.iter().flatten().map(|step| say(step)).collect());
    let opening = list(order.opening.iter().map(|step| say(step)).collect());
    let closing = order.closing.iter().map(|closing| {
        let heirs: Vec<&str> = closing.heirs.iter().map(|heir| heir.as_str()).collect();
        format!("{} after {}", say(closing.step), heirs.join(" "))
    });
    let closing = list(closing.collect());
    let removals = list(order.removals.iter().map(|step| say(step)).collect());
    assert_eq!(format!("{early} | {opening} | {closing} | {removals}"), expected);
}

#[test]
fn what_has_no_former_form_gets_its_routes_at_once() {
    let steps = vec![
        step(Action::Create, Kind::NetworkPolicy, "web", &[], &[]),
        step(Action::Create, Kind::Deployment, "web", &[], &[]),
        step(Action::Create, Kind::Ingress, "web", &[], &["a"]),
    ];
    check(&plan(&["web"], steps), "NetworkPolicy web, Deployment web, Ingress web |  |  | ");
}

#[test]
fn what_serves_is_opened_and_shut_once_its_new_form_works() {
    for action in [Action::Create, Action::Update, Action::Delete] {
        let steps = vec![
            step(action, Kind::NetworkPolicy, "web", &[], &[]),
            step(Action::Update, Kind::Deployment, "web", &[], &[]),
            step(action, Kind::Ingress, "web", &[], &["a"]),
        ];
        check(&plan(&["web*"], steps), "Deployment web | NetworkPolicy web, Ingress web |  | ");
    }
}

#[test]
fn what_the_app_has_no_more_goes_last() {
    let steps = vec![
        step(Action::Update, Kind::Deployment, "web", &[], &[]),
        step(Action::Delete, Kind::Ingress, "old", &[], &[]),
        step(Action::Delete, Kind::Deployment, "old", &[], &[]),
    ];
    check(&plan(&["web*"], steps), "Deployment web |  |  | Ingress old, Deployment old");
}

#[test]
fn a_host_that_moves_is_given_away_by_its_former_appling_once_the_new_one_works() {
    let moves = |heir: &str| {
        let steps = vec![
            step(Action::Update, Kind::Ingress, "a", &["a", "h"], &["a"]),
            step(
                if heir.ends_with('*') { Action::Update } else { Action::Create },
                Kind::Ingress,
                "b",
                &["b"],
                &["b", "h"],
            ),
        ];
        check(&plan(&["a*", heir], steps), " | Ingress b | Ingress a after b | ");
    };
    moves("b*");
    moves("b");
    // It becomes private, and any host may be one that moves.
    let steps = vec![
        step(Action::Delete, Kind::NetworkPolicy, "a", &[], &[]),
        step(Action::Delete, Kind::Ingress, "a", &[], &[]),
        step(Action::Update, Kind::Ingress, "b", &["b"], &["b", "h"]),
    ];
    check(&plan(&["a*", "b*"], steps), " | Ingress b | NetworkPolicy a after b, Ingress a after b | ");
    // Hosts of which nobody else knows.
    let steps = vec![
        step(Action::Update, Kind::Ingress, "a", &["a", "h"], &["a"]),
        step(Action::Create, Kind::Ingress, "b", &[], &["b"]),
    ];
    check(&plan(&["a*", "b"], steps), "Ingress b | Ingress a |  | ");
}

#[test]
fn an_http_route_follows_the_port_at_once_with_the_hosts_that_it_has() {
    let change = |path: &str, before: Value, after: Value| Change {
        path: path.to_owned(),
        before: Some(before),
        after: Some(after),
        changed_by: None,
    };
    let mut route = step(Action::Update, Kind::HttpRoute, "web", &[], &[]);
    route.body = json!({"spec": {"hostnames": ["new"], "rules": [{"backendRefs": [{"port": 8080}]}]}});
    route.changes = vec![change("spec.hostnames", json!(["old"]), json!(["new"]))];
    check(&plan(&["web*"], vec![route.clone()]), " | HTTPRoute web new |  | ");
    route.changes.push(change("spec.rules", json!([]), json!([])));
    check(&plan(&["web*"], vec![route]), "HTTPRoute web old | HTTPRoute web new |  | ");
}
