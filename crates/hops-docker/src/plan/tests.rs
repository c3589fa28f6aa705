//! `check(what is wanted, what runs)`: the plan as people read it.

use expect_test::{Expect, expect};
use hops_model::{AppName, CommitId, Environment, HostName, HttpPath, ReleaseNumber};

use super::*;
use crate::form::tests::{appling, with};

fn target() -> Target {
    Target::new(AppName::parse("shop").unwrap(), Environment::Prod)
}

fn desired(applings: Vec<DesiredAppling>) -> Desired {
    Desired {
        target: target(),
        release: ReleaseNumber(2),
        commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        applings,
        last_good: BTreeMap::new(),
    }
}

fn observed(applings: &[DesiredAppling]) -> Observed {
    let network = std::iter::once(network_of(&target()));
    Observed { objects: network.chain(applings.iter().map(object_of)).collect() }
}

fn check(wanted: Vec<DesiredAppling>, running: &Observed, expected: &Expect) -> Plan {
    let plan = plan(&desired(wanted), running, &Settings::default());
    expected.assert_eq(&plan.to_string());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "a plan is written down and read again");
    plan
}

#[test]
fn a_first_deploy_makes_everything() {
    let plan = check(
        vec![appling("web", 2)],
        &Observed::default(),
        &expect![[r"
            + Network apps-shop-prod
            + Appling web
            Containers are replaced: web"]],
    );
    assert_eq!(plan.applings[0].url.as_deref(), Some("https://web.example.com"));
    assert_eq!(form_of(&plan.steps[1].body), Some(appling("web", 2)));
}

#[test]
fn what_is_as_wanted_is_left_alone_whatever_its_release() {
    let plan = check(
        vec![appling("web", 2)],
        &observed(&[appling("web", 1)]),
        &expect!["Nothing to do: shop in prod is as wanted"],
    );
    assert!(plan.is_empty() && !plan.applings[0].restarts);
}

#[test]
fn changes_are_told_field_by_field() {
    let before = with(&with(&appling("web", 1), "VERSION", "one"), "OLD", "x");
    let mut after = with(&appling("web", 2), "VERSION", "two");
    after.image = hops_model::ImageRef::parse("registry.example/shop/web:2").unwrap();
    after.liveness_path = Some(HttpPath::parse("/live").unwrap());
    check(
        vec![after],
        &observed(&[before]),
        &expect![[r#"
            ~ Appling web
                spec.image: "registry.example/shop/web:1" → "registry.example/shop/web:2"
                spec.liveness_path: set to "/live"
                spec.variables.OLD: {"literal":"x"} removed
                spec.variables.VERSION.literal: "one" → "two"
            Containers are replaced: web"#]],
    );
}

#[test]
fn routes_and_replicas_replace_no_container() {
    let before = appling("web", 1);
    let mut after = DesiredAppling { replicas: 3, ..appling("web", 2) };
    after.routes.push(HostName::parse("shop.example.com").unwrap());
    check(
        vec![after],
        &observed(&[before]),
        &expect![[r#"
            ~ Appling web
                spec.replicas: 2 → 3
                spec.routes: ["web.example.com"] → ["web.example.com","shop.example.com"]
            No container is replaced"#]],
    );
}

#[test]
fn what_is_no_longer_wanted_is_removed_last() {
    let plan = check(
        vec![appling("web", 2)],
        &observed(&[appling("api", 1), appling("web", 1)]),
        &expect![[r"
            - Appling api
            No container is replaced"]],
    );
    assert_eq!(plan.steps.last().unwrap().appling.as_ref().unwrap().as_str(), "api");
}

#[test]
fn the_last_good_form_is_at_hand() {
    let mut desired = desired(vec![with(&appling("web", 2), "VERSION", "two")]);
    let good = appling("web", 1);
    desired.last_good.insert(good.name.clone(), good.clone());
    let plan = plan(&desired, &observed(std::slice::from_ref(&good)), &Settings::default());
    assert_eq!(plan.steps[1].last_good.as_ref().and_then(form_of), Some(good));
    assert_eq!(plan.applings[0].last_good, Some(ReleaseNumber(1)));
}
