//! Rendered objects as reviewed text.

use std::collections::BTreeMap;

use expect_test::{Expect, ExpectFile, expect, expect_file};
use hops_model::{
    AppName, ApplingName, CommitId, Desired, DesiredAppling, Environment, HostName, HttpPath, ImageRef,
    ImageUser, Port, ReleaseNumber, SecretName, Target, VariableName,
    app::{Amounts, Resources},
    desired::{DesiredValue, SecretMount, Sidecar},
    quantity::{Cpu, Memory},
};
use serde_json::Value;

use super::*;
use crate::{Gateway, IngressSource, Tls, Wildcard, render_yaml};

pub(crate) fn target() -> Target {
    Target::new(AppName::parse("the_shop").unwrap(), Environment::Prod)
}

/// An appling with nothing but defaults.
pub(crate) fn appling(name: &str) -> DesiredAppling {
    let image = format!("registry.example/the_shop/web@sha256:{}", "a".repeat(64));
    hops_testkit::appling(name, 3, ImageRef::parse(&image).unwrap())
}

pub(crate) fn desired(applings: Vec<DesiredAppling>) -> Desired {
    Desired {
        target: target(),
        release: ReleaseNumber(7),
        commit: CommitId::parse(&"c".repeat(40)).unwrap(),
        applings,
        last_good: BTreeMap::new(),
    }
}

fn set(appling: &mut DesiredAppling, name: &str, value: &str) {
    let value = DesiredValue::Literal(value.to_owned());
    appling.variables.insert(VariableName::parse(name).unwrap(), value);
}

/// Everything that an appling can have.
fn full() -> DesiredAppling {
    let mut web = appling("web_front");
    web.service = "the-shop-web-front".into();
    web.aliases = vec!["web-front".into()];
    web.replicas = 2;
    web.init = false;
    web.liveness_path = Some(HttpPath::parse("/alive").unwrap());
    web.routes =
        ["web-front.the-shop.example.com", "shop.example.org"].map(|h| HostName::parse(h).unwrap()).to_vec();
    set(&mut web, "HOPS_GIT_SHA", &"b".repeat(40));
    set(&mut web, "PRICE", "$5 or $(NOT_A_REFERENCE)");
    set(&mut web, "DEBUG", "yes");
    set(&mut web, "BUILD", "0x1F");
    web.variables.insert(
        VariableName::parse("API_KEY").unwrap(),
        DesiredValue::SecretKey { secret: SecretName::parse("payment").unwrap(), key: "api-key".into() },
    );
    web.secret_mounts = vec![SecretMount {
        secret: SecretName::parse("certificates").unwrap(),
        mount_path: "/certificates".into(),
    }];
    web.resources = Resources {
        requests: Amounts {
            memory: Some(Memory::parse("0.5Gi").unwrap()),
            cpu: Some(Cpu::parse("0.1").unwrap()),
        },
        limits: Amounts { memory: Some(Memory::parse("1Gi").unwrap()), cpu: None },
    };
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("sql-proxy").unwrap(),
        image: ImageRef::parse("registry.example/sql-proxy:2").unwrap(),
        arguments: vec!["--port=5432".into(), "project:region:database".into()],
        variables: BTreeMap::new(),
        startup: Some((Port::new(9090).unwrap(), HttpPath::parse("/startup").unwrap())),
        resources: Resources::default(),
    }];
    web
}

fn check(desired: &Desired, settings: &Settings, kinds: &[&str], expected: &ExpectFile) {
    let yaml = render_yaml(desired, settings);
    let is_of_kind =
        |document: &&str| kinds.iter().any(|kind| document.contains(&format!("\nkind: {kind}\n")));
    let documents: Vec<&str> = yaml.split("---\n").filter(is_of_kind).collect();
    expected.assert_eq(&format!("---\n{}", documents.join("---\n")));
}

#[test]
fn a_minimal_appling() {
    let kinds = ["Namespace", "NetworkPolicy", "Service", "Deployment", "PodDisruptionBudget", "Ingress"];
    check(&desired(vec![appling("web")]), &Settings::default(), &kinds, &expect_file!["tests/minimal.yaml"]);
}

#[test]
fn an_appling_with_everything() {
    let settings = Settings {
        tls: Tls {
            cluster_issuer: Some("letsencrypt".into()),
            wildcard: Some(Wildcard { domain: "the-shop.example.com".into(), secret: None }),
        },
        ingress_sources: vec![
            IngressSource::Namespace("ingress-nginx".into()),
            IngressSource::Cidr("10.0.0.0/24".into()),
        ],
        pull_secret: Some("registry".into()),
        ..Settings::default()
    };
    check(&desired(vec![full()]), &settings, &["Deployment"], &expect_file!["tests/deployment.yaml"]);
    check(
        &desired(vec![full()]),
        &settings,
        &["Service", "PodDisruptionBudget"],
        &expect_file!["tests/services.yaml"],
    );
    check(
        &desired(vec![full()]),
        &settings,
        &["NetworkPolicy", "Ingress"],
        &expect_file!["tests/routes.yaml"],
    );
}

#[test]
fn a_public_appling_has_a_route_for_the_gateway_as_well() {
    let gateway = Gateway { name: "public".into(), namespace: "gateways".into(), section: None };
    let of_section = Gateway { section: Some("https".into()), ..gateway.clone() };
    let applings = desired(vec![full(), appling("private")]);
    for (gateway, expected) in [
        (gateway, expect_file!["tests/gateway.yaml"]),
        (of_section, expect_file!["tests/gateway_section.yaml"]),
    ] {
        let settings = Settings { gateway: Some(gateway), ..Settings::default() };
        check(&applings, &settings, &["HTTPRoute"], &expected);
        let ingresses = render(&applings, &settings);
        assert_eq!(ingresses.iter().filter(|object| object.id.kind == "Ingress").count(), 1);
    }
}

/// What the pod and its container may do, of an image that runs as `user`.
fn check_security(user: &str, port: i64, expected: &Expect) {
    let mut web = appling("web");
    web.user = ImageUser::parse(user);
    web.port = Port::new(port).unwrap();
    let objects = render(&desired(vec![web]), &Settings::default());
    let deployment = objects.iter().find(|object| object.id.kind == "Deployment").unwrap();
    let pod = &deployment.body["spec"]["template"]["spec"];
    let (of_pod, of_container) = (&pod["securityContext"], &pod["containers"][0]["securityContext"]);
    expected.assert_eq(&format!("{of_pod}\n{of_container}\n"));
}

#[test]
fn an_image_of_another_user_than_root_gets_the_restricted_profile() {
    check_security(
        "1000:50",
        3030,
        &expect![[r#"
        {"seccompProfile":{"type":"RuntimeDefault"}}
        {"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL"]},"runAsNonRoot":true}
    "#]],
    );
    check_security(
        "nobody",
        3030,
        &expect![[r#"
        {"seccompProfile":{"type":"RuntimeDefault"}}
        {"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL"]}}
    "#]],
    );
}

#[test]
fn low_ports_are_open_to_other_users_than_root() {
    check_security(
        "1000",
        80,
        &expect![[r#"
        {"seccompProfile":{"type":"RuntimeDefault"},"sysctls":[{"name":"net.ipv4.ip_unprivileged_port_start","value":"0"}]}
        {"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL"]},"runAsNonRoot":true}
    "#]],
    );
    check_security(
        "0",
        80,
        &expect![[r#"
        {"seccompProfile":{"type":"RuntimeDefault"}}
        {"allowPrivilegeEscalation":false,"capabilities":{"add":["CHOWN","DAC_OVERRIDE","FOWNER","FSETID","KILL","NET_BIND_SERVICE","SETGID","SETUID"],"drop":["ALL"]}}
    "#]],
    );
}

#[test]
fn an_applings_objects_depend_on_itself_alone() {
    let one = render(&desired(vec![full()]), &Settings::default());
    let later = Desired {
        release: ReleaseNumber(8),
        commit: CommitId::parse(&"d".repeat(40)).unwrap(),
        ..desired(vec![full(), appling("api")])
    };
    let other = render(&later, &Settings::default());
    for object in one.iter().filter(|object| object.appling.is_some()) {
        assert!(other.contains(object), "{}", object.id);
    }
}

#[test]
fn yaml_reads_back_as_what_would_be_applied() {
    let desired = desired(vec![full(), appling("api")]);
    let text = render_yaml(&desired, &Settings::default());
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let bodies: Vec<Value> =
        render(&desired, &Settings::default()).into_iter().map(|object| object.body).collect();
    assert_eq!(documents, bodies);
    // `kubectl` reads YAML 1.1, where these would be a boolean and a number.
    assert!(text.contains("value: \"yes\"") || text.contains("value: 'yes'"), "{text}");
    assert!(text.contains("value: \"0x1F\"") || text.contains("value: '0x1F'"), "{text}");
}
