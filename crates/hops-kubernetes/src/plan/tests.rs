//! `check(what is wanted, what is there)`: the plan as people read it.

use expect_test::{Expect, expect};
use hops_model::{
    DesiredAppling, HostName, VariableName,
    app::Amounts,
    desired::DesiredValue,
    quantity::{Cpu, Memory},
};
use serde_json::json;

use super::*;
use crate::{
    Gateway,
    render::tests::{appling, desired},
};

/// What the API server makes of rendered objects: the record of the fields, and defaults.
fn live(applings: Vec<DesiredAppling>) -> Observed {
    live_with(applings, &Settings::default())
}

fn live_with(applings: Vec<DesiredAppling>, settings: &Settings) -> Observed {
    let objects = render(&desired(applings), settings).into_iter().map(|object| {
        let mut body = object.body;
        let fields = record(&body);
        body["metadata"]["managedFields"] = json!([
            {"manager": "hops", "operation": "Apply", "fieldsV1": fields},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
             "fieldsV1": {"f:status": {}, "f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}},
        ]);
        if object.id.kind == "Deployment" {
            body["spec"]["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst");
            body["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = json!("/dev/termination-log");
            body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("4");
        }
        if object.id.kind == "HTTPRoute" {
            let spec = &mut body["spec"];
            spec["parentRefs"][0]["group"] = json!("gateway.networking.k8s.io");
            spec["parentRefs"][0]["kind"] = json!("Gateway");
            spec["rules"][0]["matches"] = json!([{"path": {"type": "PathPrefix", "value": "/"}}]);
            for (field, value) in [("group", json!("")), ("kind", json!("Service")), ("weight", json!(1))] {
                spec["rules"][0]["backendRefs"][0][field] = value;
            }
        }
        body
    });
    Observed { objects: objects.collect() }
}

/// The record of everything in an object, as far as plans look at it.
fn record(value: &Value) -> Value {
    fn fields(path: &path::Path, value: &Value) -> Value {
        match value {
            Value::Object(object) => object
                .iter()
                .map(|(name, value)| (format!("f:{name}"), fields(&path.field(name), value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Array(items) if !path.keys().is_empty() => items
                .iter()
                .map(|item| {
                    let key: serde_json::Map<String, Value> =
                        path::key_of(item, path.keys()).into_iter().collect();
                    (format!("k:{}", Value::Object(key)), fields(&path.item(Vec::new()), item))
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
            _ => json!({}),
        }
    }
    json!({
        "f:metadata": fields(&path::Path::default(), &json!({"labels": value["metadata"]["labels"]})),
        "f:spec": fields(&path::Path::default().field("spec"), &value["spec"]),
    })
}

fn check(wanted: Vec<DesiredAppling>, observed: &Observed, expected: &Expect) -> Plan {
    let plan = plan(&desired(wanted), observed, &Settings::default());
    expected.assert_eq(&plan.to_string());
    plan
}

fn set(appling: &DesiredAppling, name: &str, value: &str) -> DesiredAppling {
    let mut appling = appling.clone();
    appling.variables.insert(VariableName::parse(name).unwrap(), DesiredValue::Literal(value.into()));
    appling
}

fn deployment(observed: &mut Observed) -> &mut Value {
    observed.objects.iter_mut().find(|object| object["kind"] == "Deployment").unwrap()
}

#[test]
fn everything_is_created_where_there_is_nothing() {
    let mut web = appling("web");
    web.replicas = 2;
    web.routes = vec![HostName::parse("web.example.com").unwrap()];
    let plan = check(
        vec![web],
        &Observed::default(),
        &expect![[r"
        + Namespace apps-the-shop-prod
        + NetworkPolicy within-the-app
        + NetworkPolicy web-from-the-ingress
        + PodDisruptionBudget web
        + Service web
        + Deployment web
        + Ingress web
        Containers are replaced: web"]],
    );
    assert!(plan.applings[0].restarts);
    assert_eq!(plan.applings[0].url.as_deref(), Some("https://web.example.com"));
}

#[test]
fn nothing_changes_where_all_is_as_wanted() {
    let web = set(&set(&appling("web"), "A", "1"), "EMPTY", "");
    check(vec![web.clone()], &live(vec![web]), &expect!["Nothing to do: the_shop in prod is as wanted"]);
}

#[test]
fn routes_for_a_gateway_come_and_go_with_the_setting() {
    let mut web = appling("web");
    web.routes = vec![HostName::parse("web.example.com").unwrap()];
    let gateway = Gateway { name: "public".into(), namespace: "gateways".into(), section: None };
    let (off, on) = (Settings::default(), Settings { gateway: Some(gateway), ..Settings::default() });
    let (before, after) = (live(vec![web.clone()]), live_with(vec![web.clone()], &on));
    let wanted = desired(vec![web.clone()]);
    expect![[r"
        + HTTPRoute web
        No container is replaced"]]
    .assert_eq(&plan(&wanted, &before, &on).to_string());
    // The defaults of the CRD are no changes.
    assert!(plan(&wanted, &after, &on).is_empty());
    expect![[r"
        - HTTPRoute web
        No container is replaced"]]
    .assert_eq(&plan(&wanted, &after, &off).to_string());
    web.routes.push(HostName::parse("example.org").unwrap());
    let both = plan(&desired(vec![web]), &after, &on);
    let changed: Vec<_> = both
        .steps
        .iter()
        .filter(|it| it.action == Action::Update)
        .map(|it| it.object.kind.as_str())
        .collect();
    assert_eq!(changed, ["Ingress", "HTTPRoute"]);
}

#[test]
fn a_new_release_of_the_same_form_changes_nothing_and_of_another_only_what_differs() {
    let web = appling("web");
    let observed = live(vec![web.clone()]);
    let mut next = desired(vec![web.clone()]);
    next.release = hops_model::ReleaseNumber(8);
    assert!(plan(&next, &observed, &Settings::default()).is_empty());
    let mut changed = set(&web, "A", "1");
    changed.release = hops_model::ReleaseNumber(8);
    check(
        vec![changed],
        &observed,
        &expect![[r#"
        ~ Deployment web
            metadata.labels[app.kubernetes.io/version]: "3" → "8"
            metadata.labels[hops/release]: "3" → "8"
            spec.template.metadata.labels[app.kubernetes.io/version]: "3" → "8"
            spec.template.metadata.labels[hops/release]: "3" → "8"
            spec.template.spec.containers[web].env: set to [{"name":"A","value":"1"}]
        Containers are replaced: web"#]],
    );
}

#[test]
fn the_api_servers_spelling_of_amounts_is_no_change() {
    let amounts = |memory: &str, cpu: &str| Amounts {
        memory: Some(Memory::parse(memory).unwrap()),
        cpu: Some(Cpu::parse(cpu).unwrap()),
    };
    let mut web = appling("web");
    web.resources.requests = amounts("0.5Gi", "0.1");
    let mut there = web.clone();
    there.resources.requests = amounts("512Mi", "100m");
    check(vec![web], &live(vec![there]), &expect!["Nothing to do: the_shop in prod is as wanted"]);
}

#[test]
fn a_changed_variable_restarts_that_appling_alone() {
    let (web, api) = (set(&appling("web"), "A", "1"), appling("api"));
    let changed = set(&set(&web, "A", "2"), "B", "new");
    let plan = check(
        vec![changed, api.clone()],
        &live(vec![web, api]),
        &expect![[r#"
        ~ Deployment web
            spec.template.spec.containers[web].env[A].value: "1" → "2"
            spec.template.spec.containers[web].env[B]: set to {"name":"B","value":"new"}
        Containers are replaced: web"#]],
    );
    assert_eq!(plan.applings.iter().map(|appling| appling.restarts).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_variable_that_is_no_longer_wanted_is_removed() {
    let web = appling("web");
    check(
        vec![web.clone()],
        &live(vec![set(&web, "OLD", "1")]),
        &expect![[r#"
        ~ Deployment web
            spec.template.spec.containers[web].env: [{"name":"OLD","value":"1"}] removed
        Containers are replaced: web"#]],
    );
}

#[test]
fn scaling_restarts_nothing() {
    let web = appling("web");
    let mut more = web.clone();
    more.replicas = 3;
    check(
        vec![more],
        &live(vec![web]),
        &expect![[r"
        + PodDisruptionBudget web
        ~ Deployment web
            spec.replicas: 1 → 3
        No container is replaced"]],
    );
}

#[test]
fn hand_made_changes_are_shown_with_who_made_them() {
    let web = set(&appling("web"), "A", "1");
    let mut observed = live(vec![web.clone()]);
    let there = deployment(&mut observed);
    there["spec"]["replicas"] = json!(5);
    let container = &mut there["spec"]["template"]["spec"]["containers"][0];
    container["env"].as_array_mut().unwrap().push(json!({"name": "DEBUG", "value": "1"}));
    container["image"] = json!("nginx");
    there["metadata"]["managedFields"].as_array_mut().unwrap().extend([
        json!({"manager": "kubectl", "operation": "Update", "subresource": "scale",
               "fieldsV1": {"f:spec": {"f:replicas": {}}}}),
        json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
            "f:containers": {"k:{\"name\":\"web\"}": {
                "f:image": {},
                "f:env": {"k:{\"name\":\"DEBUG\"}": {".": {}, "f:name": {}, "f:value": {}}},
            }},
        }}}}}),
    ]);
    check(
        vec![web],
        &observed,
        &expect![[r#"
        ~ Deployment web
            spec.replicas: 5 → 1 (changed by kubectl)
            spec.template.spec.containers[web].image: "nginx" → "registry.example/the_shop/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" (changed by kubectl-edit)
            spec.template.spec.containers[web].env[DEBUG]: {"name":"DEBUG","value":"1"} removed (changed by kubectl-edit)
        Containers are replaced: web"#]],
    );
}

#[test]
fn notes_that_tools_leave_in_annotations_are_left() {
    let web = appling("web");
    let mut observed = live(vec![web.clone()]);
    let there = deployment(&mut observed);
    there["spec"]["template"]["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/restartedAt": "now"});
    there["metadata"]["managedFields"].as_array_mut().unwrap().push(json!({
        "manager": "kubectl-rollout", "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {"f:metadata": {
            "f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}},
        }}}},
    }));
    check(vec![web], &observed, &expect!["Nothing to do: the_shop in prod is as wanted"]);
}

#[test]
fn what_is_no_longer_wanted_goes_routes_first() {
    let mut old = appling("old");
    old.routes = vec![HostName::parse("old.example.com").unwrap()];
    old.replicas = 2;
    let web = appling("web");
    check(
        vec![web.clone()],
        &live(vec![web, old]),
        &expect![[r"
        - Ingress old
        - Deployment old
        - Service old
        - PodDisruptionBudget old
        - NetworkPolicy old-from-the-ingress
        No container is replaced"]],
    );
}

#[test]
fn what_others_made_is_never_removed() {
    let mut observed = live(vec![appling("web"), appling("old")]);
    for object in &mut observed.objects {
        if object["metadata"]["name"] == "old" {
            object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        }
    }
    check(vec![appling("web")], &observed, &expect!["Nothing to do: the_shop in prod is as wanted"]);
}

#[test]
fn the_last_good_form_travels_with_the_plan() {
    let web = set(&appling("web"), "A", "1");
    let mut wanted = desired(vec![set(&web, "A", "2")]);
    wanted.last_good.insert(web.name.clone(), web.clone());
    let plan = plan(&wanted, &live(vec![web]), &Settings::default());
    let step = plan.steps.iter().find(|step| step.object.kind == "Deployment").unwrap();
    let value = |body: &Value| body["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"].clone();
    assert_eq!((value(&step.body), value(step.last_good.as_ref().unwrap())), (json!("2"), json!("1")));
    assert_eq!(plan.applings[0].last_good, Some(hops_model::ReleaseNumber(3)));
}

#[test]
fn taking_over_gives_hops_what_others_own_in_a_spec() {
    let mut observed = live(vec![appling("web")]);
    let there = deployment(&mut observed);
    assert_eq!(take_over(there, "hops"), None);
    there["metadata"]["managedFields"].as_array_mut().unwrap().push(json!({
        "manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {
            "f:paused": {},
            "f:template": {"f:metadata": {"f:annotations": {"f:note": {}}}},
        }},
    }));
    let record = take_over(there, "hops").unwrap();
    let of =
        |manager: &str| record.as_array().unwrap().iter().find(|entry| entry["manager"] == manager).unwrap();
    assert_eq!(of("hops")["fieldsV1"]["f:spec"]["f:paused"], json!({}));
    assert_eq!(
        of("kubectl-edit")["fieldsV1"],
        json!({"f:spec": {"f:template": {"f:metadata": {"f:annotations": {"f:note": {}}}}}})
    );
}
