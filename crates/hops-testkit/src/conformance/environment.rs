//! What a container finds around it.

use anyhow::{Result, ensure};
use hops_model::{ApplingName, Environment, Port, desired::Sidecar};

use crate::scene::{Scene, World, set, with};

/// Variables arrive letter by letter, whatever they hold.
pub async fn variables_arrive_as_written(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "variables").await?;
    let mut web = scene.appling("web");
    let values = [
        ("PLAIN", "text"),
        ("EMPTY", ""),
        ("QUOTED", "a \"b\" 'c' \\ d"),
        ("LINES", "one\ntwo\n"),
        ("DOLLARS", "$(PLAIN) $$(PLAIN) $PLAIN ${PLAIN} $$"),
        ("YES", "yes"),
        ("UNICODE", "blåbær 🫐"),
    ];
    for (name, value) in values {
        set(&mut web, name, value);
    }
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let answer = scene.get_until(&web, "/variables", |answer| answer.status == 200).await?;
    let found: serde_json::Value = serde_json::from_str(&answer.body)?;
    for (name, value) in values {
        ensure!(found[name] == value, "{name} is {}", found[name]);
    }
    let strangers =
        found.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_SERVICE_HOST"));
    ensure!(strangers.count() <= 1, "service links: {found:#}");
    scene.end().await
}

/// Applings of one app and environment reach each other by their Service names and aliases.
pub async fn siblings_are_reached_by_their_service_names(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "names").await?;
    let web = scene.appling("web");
    let mut api = with(&scene.appling("api"), "VERSION", "the api");
    api.port = Port::new(8080).expect("a port");
    set(&mut api, "PORT", "8080");
    api.routes.clear();
    api.service = format!("{}-api", scene.target.app.dns());
    api.aliases = vec!["api".to_owned()];
    scene.deploy_well(&[web.clone(), api.clone()]).await?;
    for name in [api.service.as_str(), "api"] {
        let path = format!("/call?url=http://{name}:8080/");
        scene.get_until(&web, &path, |answer| answer.body == "the api\n").await?;
    }
    scene.end().await
}

/// One app in two environments: neither sees the other.
pub async fn environments_are_apart(world: &dyn World) -> Result<()> {
    let mut test = Scene::new(world, "apart").await?;
    let app = test.target.app.clone();
    let prod = hops_model::Target::new(app, Environment::Prod);
    let mut prod = Scene::of(world, prod).await?;
    let one = with(&test.appling("web"), "VERSION", "test");
    let mut other = with(&prod.appling("web"), "VERSION", "prod");
    other.routes = vec![one.routes[0].www_counterpart()];
    test.deploy_well(std::slice::from_ref(&one)).await?;
    prod.deploy_well(std::slice::from_ref(&other)).await?;
    test.get_until(&one, "/call?url=http://web:3030/", |answer| answer.body == "test\n").await?;
    prod.get_until(&other, "/call?url=http://web:3030/", |answer| answer.body == "prod\n").await?;
    prod.end().await?;
    test.get_until(&one, "/", |answer| answer.body == "test\n").await?;
    test.end().await
}

/// A sidecar works before the appling's own container starts, and shares its network.
pub async fn a_sidecar_starts_first_and_shares_the_network(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "sidecar").await?;
    let mut web = scene.appling("web");
    let mut proxy = scene.appling("proxy");
    for (name, value) in [("PORT", "5433"), ("LISTEN_AFTER", "2s"), ("VERSION", "the proxy")] {
        set(&mut proxy, name, value);
    }
    let port = Port::new(5433).expect("a port");
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("proxy")?,
        image: proxy.image,
        arguments: Vec::new(),
        variables: proxy.variables,
        startup: Some((port, hops_model::HttpPath::default_readiness())),
        resources: hops_model::app::Resources::default(),
    }];
    let deployed = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(deployed.took.as_secs() >= 2, "the app did not wait for its sidecar: {:?}", deployed.took);
    let path = "/call?url=http://localhost:5433/";
    scene.get_until(&web, path, |answer| answer.body == "the proxy\n").await?;
    scene.end().await
}

/// A sidecar goes on until the appling's own container has ended: what it still does on its way out works.
pub async fn a_sidecar_is_there_until_its_app_has_stopped(world: &dyn World) -> Result<()> {
    let mut scene = Scene::new(world, "last").await?;
    let mut web = scene.appling("web");
    set(&mut web, "CALL_ON_TERM", "http://localhost:5433/");
    let mut proxy = scene.appling("proxy");
    for (name, value) in [("PORT", "5433"), ("VERSION", "still here")] {
        set(&mut proxy, name, value);
    }
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("proxy")?,
        image: proxy.image,
        arguments: Vec::new(),
        variables: proxy.variables,
        startup: Port::new(5433).map(|port| (port, hops_model::HttpPath::default_readiness())),
        resources: hops_model::app::Resources::default(),
    }];
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let mut lines = scene.follow().await?;
    let next = with(&web, "VERSION", "two");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    let said = lines.until(|line| line.starts_with("called on SIGTERM")).await?;
    ensure!(said == "called on SIGTERM: still here", "{said}");
    scene.end().await
}
