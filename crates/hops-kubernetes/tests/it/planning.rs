//! Plans against the real API server, with its defaults, spellings and records.

use anyhow::{Context, Result, ensure};
use hops_engine::{Action, EngineError, Events};
use hops_kubernetes::{IngressSource, Settings, Tls, render, render_yaml};
use hops_model::{
    AppName, ApplingName, ApplingResult, DesiredAppling, HttpPath, Port, SecretName, Target, VariableName,
    app::{Amounts, Resources},
    desired::{DesiredValue, SecretMount, Sidecar},
    quantity::{Cpu, Memory},
};
use hops_testkit::{
    Scene,
    scene::{set, with},
};

use crate::{kubectl, kubectl_with_input, world::Cluster};

/// Everything that an appling can have, in spellings that the API server changes.
pub(crate) fn full(scene: &Scene<'_>) -> Result<DesiredAppling> {
    let mut web = scene.appling("web_front");
    web.service = format!("{}-web-front", scene.target.app.dns());
    web.aliases = vec!["web-front".into()];
    web.replicas = 2;
    web.init = false;
    web.liveness_path = Some(HttpPath::parse("/health?deep=1")?);
    web.routes.push(web.routes[0].www_counterpart());
    for (name, value) in
        [("EMPTY", ""), ("DOLLAR", "$$(A) $5"), ("LINES", "a\nb\n"), ("YES", "yes"), ("PORT", "3030")]
    {
        set(&mut web, name, value);
    }
    let secret = SecretName::parse("payment")?;
    web.variables.insert(
        VariableName::parse("API_KEY")?,
        DesiredValue::SecretKey { secret: secret.clone(), key: "api-key".into() },
    );
    web.secret_mounts = vec![
        SecretMount { secret: secret.clone(), mount_path: "/one".into() },
        SecretMount { secret, mount_path: "/two".into() },
    ];
    let amounts = |memory: &str, cpu: &str| -> Result<Amounts> {
        Ok(Amounts { memory: Some(Memory::parse(memory)?), cpu: Some(Cpu::parse(cpu)?) })
    };
    web.resources =
        Resources { requests: amounts("0.03125Gi", "0.01")?, limits: amounts("134217728", "1000m")? };
    let proxy = with(&with(&scene.appling("proxy"), "PORT", "5433"), "VERSION", "proxy");
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("sql-proxy")?,
        image: proxy.image,
        arguments: vec!["--unused".into(), "$(literally)".into()],
        variables: proxy.variables,
        startup: Some((Port::new(5433).context("a port")?, HttpPath::default_readiness())),
        resources: Resources { requests: amounts("16Mi", "1m")?, limits: Amounts::default() },
    }];
    Ok(web)
}

#[tokio::test]
async fn a_second_plan_straight_after_the_first_is_empty() -> Result<()> {
    let cluster = Cluster::with(|settings| {
        settings.tls = Tls { cluster_issuer: Some("letsencrypt".into()), wildcard: None };
        settings.ingress_sources =
            vec![IngressSource::Namespace("ingress-nginx".into()), IngressSource::Cidr("0.0.0.0/0".into())];
        settings.pull_secret = Some("registry".into());
    })
    .await?;
    let mut scene = Scene::new(&cluster, "second").await?;
    let namespace = scene.target.namespace();
    // Made beforehand by whoever runs the platform, as the Secret has to be there.
    kubectl(&["create", "namespace", &namespace]).await?;
    kubectl(&["-n", &namespace, "create", "secret", "generic", "payment", "--from-literal=api-key=1"])
        .await?;
    let (web, api) = (full(&scene)?, scene.appling("api"));
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    let again = scene.deploy_well(&[web, api]).await?;
    ensure!(again.plan.is_empty(), "{}", again.plan);
    ensure!(again.plan.steps.iter().all(|step| step.action == Action::Keep));
    scene.end().await
}

#[tokio::test]
async fn the_api_server_accepts_every_field_strictly() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "strict").await?;
    let desired = scene.release(&[full(&scene)?, scene.appling("api")]);
    let namespace = scene.target.namespace();
    kubectl(&["create", "namespace", &namespace]).await?;
    let yaml = render_yaml(&desired, &Settings::default());
    let said = kubectl_with_input(
        &["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"],
        &yaml,
    )
    .await?;
    ensure!(said.lines().count() == render(&desired, &Settings::default()).len(), "{said}");
    kubectl(&["delete", "namespace", &namespace, "--wait=false"]).await?;
    Ok(())
}

#[tokio::test]
async fn hand_made_changes_are_named_and_taken_back() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "hand").await?;
    let web = with(&scene.appling("web"), "A", "1");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let namespace = scene.target.namespace();
    let deployment = "deployment/web";
    kubectl(&["-n", &namespace, "set", "env", deployment, "DEBUG=1", "A=2"]).await?;
    kubectl(&["-n", &namespace, "scale", deployment, "--replicas=3"]).await?;

    let again = scene.deploy_well(std::slice::from_ref(&web)).await?;
    let plan = again.plan.to_string();
    for line in [
        "spec.replicas: 3 → 1 (changed by kubectl",
        "env[A].value: \"2\" → \"1\" (changed by kubectl",
        "env[DEBUG]: {\"name\":\"DEBUG\",\"value\":\"1\"} removed (changed by kubectl",
    ] {
        ensure!(plan.contains(line), "no `{line}` in {plan}");
    }
    // Those with the changes drain meanwhile, and may answer until they are gone.
    let is_as_wanted = |body: &str| body.contains("\"A\":\"1\"") && !body.contains("DEBUG");
    scene.get_until(&web, "/variables", |answer| is_as_wanted(&answer.body)).await?;
    let once_more = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(once_more.plan.is_empty(), "{}", once_more.plan);
    scene.end().await
}

#[tokio::test]
async fn what_is_no_longer_rendered_is_removed() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "less").await?;
    let mut web = with(&scene.appling("web"), "A", "1");
    web.liveness_path = Some(HttpPath::default_readiness());
    web.resources.limits = Amounts { memory: Some(Memory::parse("64Mi")?), cpu: None };
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let plain = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&plain)).await?;
    let again = scene.deploy_well(std::slice::from_ref(&plain)).await?;
    ensure!(again.plan.is_empty(), "{}", again.plan);
    let live = kubectl(&["-n", &scene.target.namespace(), "get", "deployment", "web", "-o", "yaml"]).await?;
    ensure!(!live.contains("livenessProbe") && !live.contains("64Mi") && !live.contains("name: A"), "{live}");
    scene.end().await
}

#[tokio::test]
async fn what_others_made_is_neither_changed_nor_removed() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "others").await?;
    let web = scene.appling("web");
    let namespace = scene.target.namespace();
    kubectl(&["create", "namespace", &namespace]).await?;
    kubectl(&["-n", &namespace, "create", "service", "clusterip", "web", "--tcp=80"]).await?;
    let error = scene.deploy(std::slice::from_ref(&web)).await.expect_err("the Service is somebody else's");
    let error = error.downcast_ref::<EngineError>().expect("an engine's error");
    ensure!(
        matches!(error, EngineError::NotOurs { object } if object.starts_with("Service web in ")),
        "{error}"
    );
    // Nothing else was begun.
    let there =
        kubectl(&["-n", &namespace, "get", "service,deployment,networkpolicy,ingress", "-o", "name"]).await?;
    ensure!(there == "service/web\n", "{there}");
    kubectl(&["delete", "namespace", &namespace, "--wait=false"]).await?;
    Ok(())
}

#[tokio::test]
async fn an_app_can_be_removed_and_come_back_at_once() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "return").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    kubectl(&["delete", "namespace", &scene.target.namespace(), "--wait=false"]).await?;
    let again = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(again.of("web").result == ApplingResult::Live, "{again:#?}");
    scene.end().await
}

#[tokio::test]
async fn apps_whose_names_share_a_namespace_do_not_mix() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut one = Scene::new(&cluster, "share").await?;
    one.deploy_well(&[one.appling("web")]).await?;
    let name = AppName::parse(&one.target.app.as_str().replace('-', "_"))?;
    let mut other = Scene::of(&cluster, Target::new(name, one.target.environment)).await?;
    let error = other.deploy(&[other.appling("web")]).await.expect_err("the namespace is the other app's");
    let error = error.downcast_ref::<EngineError>().expect("an engine's error");
    ensure!(matches!(error, EngineError::NotOurs { object } if object.starts_with("Namespace ")), "{error}");
    one.end().await
}

#[tokio::test]
async fn a_plan_can_be_applied_twice() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "twice").await?;
    let web = scene.appling("web");
    let plan = scene.plan(std::slice::from_ref(&web)).await?;
    let engine = scene.engine();
    // As it would come back from a store after a crash in the middle.
    let plan = serde_json::from_str(&serde_json::to_string(&plan)?)?;
    let (events, _told) = Events::channel();
    let cut = tokio::time::timeout(std::time::Duration::from_millis(50), engine.apply(&plan, &events)).await;
    ensure!(cut.is_err(), "it was to be cut short");
    for _ in 0..2 {
        let outcomes = engine.apply(&plan, &events).await?;
        ensure!(outcomes[0].cause.is_none(), "{outcomes:#?}");
    }
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    scene.end().await
}
