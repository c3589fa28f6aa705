//! Each cause, provoked, and reported as soon as it is certain.

use std::time::Duration;

use anyhow::{Result, ensure};
use hops_model::{
    ApplingName, CauseCode, Event, ImageRef, Port, SecretName, VariableName,
    app::Amounts,
    desired::{DesiredValue, SecretMount, Sidecar},
    quantity::{Cpu, Memory},
};
use hops_testkit::{
    Deployed, Scene,
    scene::{set, with},
};

use crate::{kubectl, world::Cluster};

/// Half the deadline of a patient cluster, so that what is reported in this time was not waited for.
const AT_ONCE: Duration = Duration::from_mins(2);

fn check(deployed: &Deployed, code: CauseCode, words: &[&str]) -> Result<()> {
    let cause = deployed.cause("web", code)?;
    let text = format!("{}\n{}\n{}", cause.message, cause.proof, cause.help);
    for word in words {
        ensure!(text.contains(word), "no `{word}` in {cause:#?}");
    }
    println!(
        "{code} after {:?}: {}\n  {}\n  hint: {}",
        deployed.took, cause.message, cause.proof, cause.help
    );
    Ok(())
}

#[tokio::test]
async fn an_image_that_does_not_exist() -> Result<()> {
    let cluster = Cluster::patient().await?;
    let mut scene = Scene::new(&cluster, "image").await?;
    let mut web = scene.appling("web");
    let repository = web.image.repository().to_owned();
    web.image = ImageRef::parse(&format!("{repository}@sha256:{}", "0".repeat(64)))?;
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::ImagePullFailed, &["not found", &repository])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);
    scene.end().await
}

#[tokio::test]
async fn a_program_that_is_not_in_the_image() -> Result<()> {
    let cluster = Cluster::patient().await?;
    let mut scene = Scene::new(&cluster, "program").await?;
    let mut web = scene.appling("web");
    // An image without anything in it to start: the layers of the test app under no entry point are not at hand, so a
    // sidecar's arguments cannot provoke it; a missing working program in an ordinary image can.
    web.image = hops_testkit::images::broken_entrypoint().await?;
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::CannotStart, &["/nope", "no such file"])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);
    scene.end().await
}

#[tokio::test]
async fn a_secret_that_does_not_exist() -> Result<()> {
    let cluster = Cluster::patient().await?;
    let mut scene = Scene::new(&cluster, "secret").await?;
    let mut web = scene.appling("web");
    let secret = SecretName::parse("payment")?;
    let value = DesiredValue::SecretKey { secret: secret.clone(), key: "api-key".into() };
    web.variables.insert(VariableName::parse("API_KEY")?, value);
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::SecretMissing, &["payment", &scene.target.namespace()])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);

    // The Secret, but without the key.
    let namespace = scene.target.namespace();
    kubectl(&["-n", &namespace, "create", "secret", "generic", "payment", "--from-literal=other=1"]).await?;
    set(&mut web, "ROUND", "2");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::SecretMissing, &["api-key"])?;

    // Mounted as files: the pod waits for its volume.
    let mut files = scene.appling("web");
    files.secret_mounts =
        vec![SecretMount { secret: SecretName::parse("files")?, mount_path: "/files".into() }];
    let deployed = scene.deploy(std::slice::from_ref(&files)).await?;
    check(&deployed, CauseCode::SecretMissing, &["files"])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);

    kubectl(&["-n", &namespace, "create", "secret", "generic", "files", "--from-literal=a.txt=hello"])
        .await?;
    set(&mut files, "ROUND", "3");
    scene.deploy_well(std::slice::from_ref(&files)).await?;
    scene.get_until(&files, "/file?path=/files/a.txt", |answer| answer.body == "hello").await?;
    scene.end().await
}

#[tokio::test]
async fn more_memory_than_any_machine_has() -> Result<()> {
    let cluster = Cluster::patient().await?;
    let mut scene = Scene::new(&cluster, "room").await?;
    let mut web = scene.appling("web");
    web.resources.requests =
        Amounts { memory: Some(Memory::parse("9999Gi")?), cpu: Some(Cpu::parse("900")?) };
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::DoesNotFit, &["Insufficient memory", "Insufficient cpu"])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);
    scene.end().await
}

#[tokio::test]
async fn a_quota_that_is_used_up() -> Result<()> {
    let cluster = Cluster::patient().await?;
    let mut scene = Scene::new(&cluster, "quota").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let namespace = scene.target.namespace();
    kubectl(&["-n", &namespace, "create", "quota", "small", "--hard=pods=1"]).await?;
    // The quota counts what is there once its controller has looked.
    kubectl(&[
        "-n",
        &namespace,
        "wait",
        "--for=jsonpath={.status.used.pods}=1",
        "quota/small",
        "--timeout=120s",
    ])
    .await?;
    let deployed = scene.deploy(&[with(&web, "VERSION", "two")]).await?;
    check(&deployed, CauseCode::Refused, &["exceeded quota: small"])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);
    scene.get_until(&web, "/", |answer| answer.body == "one\n").await?;
    scene.end().await
}

#[tokio::test]
async fn a_rule_of_the_cluster() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "rule").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    // Someone tightens the namespace: the pods of HOPS add capabilities, which `restricted` forbids.
    let namespace = scene.target.namespace();
    let label = "pod-security.kubernetes.io/enforce=restricted";
    let desired = scene.release(&[with(&web, "VERSION", "two")]);
    let observed = scene.engine().observe(&scene.target).await?;
    let plan = scene.engine().plan(&desired, &observed);
    kubectl(&["label", "namespace", &namespace, label, "--overwrite"]).await?;
    let (events, _told) = hops_engine::Events::channel();
    let outcomes = scene.engine().apply(&plan, &events).await?;
    let cause = outcomes[0].cause.as_ref().expect("refused");
    ensure!(cause.code == CauseCode::Refused && cause.message.contains("violates PodSecurity"), "{cause:#?}");
    scene.end().await
}

#[tokio::test]
async fn an_app_that_listens_on_localhost_only() -> Result<()> {
    let cluster = Cluster::hasty().await?;
    let mut scene = Scene::new(&cluster, "localhost").await?;
    let web = with(&scene.appling("web"), "LISTEN", "127.0.0.1:3030");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::NothingListens, &["0.0.0.0:3030"])?;
    scene.end().await
}

#[tokio::test]
async fn another_port_is_told_of_on_the_way_and_counts_before_the_deadline() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "elsewhere").await?;
    let web = with(&scene.appling("web"), "LISTEN", ":8123");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::NothingListens, &["8123"])?;
    let told = deployed.events.iter().find_map(|(at, event)| match event {
        Event::Rollout { message, .. } if message.contains("8123") => Some(*at),
        _ => None,
    });
    ensure!(told.is_some_and(|at| at < deployed.took), "{:#?}", deployed.events);
    scene.end().await
}

#[tokio::test]
async fn nothing_that_listens_anywhere() -> Result<()> {
    let cluster = Cluster::hasty().await?;
    let mut scene = Scene::new(&cluster, "nothing").await?;
    let web = with(&scene.appling("web"), "LISTEN_AFTER", "10m");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::NothingListens, &["nothing listens on port 3030", "PORT"])?;
    scene.end().await
}

#[tokio::test]
async fn an_answer_that_comes_too_late() -> Result<()> {
    let cluster = Cluster::hasty().await?;
    let mut scene = Scene::new(&cluster, "late").await?;
    let web = with(&scene.appling("web"), "HEALTH_DELAY", "30s");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::ReadinessFailed, &["does not answer within 2 s"])?;
    scene.end().await
}

#[tokio::test]
async fn a_client_error_counts_before_the_deadline() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "client").await?;
    let web = with(&scene.appling("web"), "HEALTH", "404");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::ReadinessFailed, &["/health answers 404", "health is 404"])?;
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);
    scene.end().await
}

#[tokio::test]
async fn what_the_probe_answers_is_told_on_the_way() -> Result<()> {
    let cluster = Cluster::hasty().await?;
    let mut scene = Scene::new(&cluster, "told").await?;
    let web = with(&scene.appling("web"), "HEALTH", "418");
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::ReadinessFailed, &["answers 418", "health is 418"])?;
    let told = deployed.events.iter().find_map(|(at, event)| match event {
        Event::Rollout { message, .. } if message.contains("418") => Some(*at),
        _ => None,
    });
    ensure!(told.is_some_and(|at| at < deployed.took), "{:#?}", deployed.events);
    scene.end().await
}

#[tokio::test]
async fn a_sidecar_that_exits() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "helper").await?;
    let mut web = scene.appling("web");
    let proxy = with(&with(&scene.appling("proxy"), "EXIT_AFTER", "0s"), "PRINT", "no credentials");
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("proxy")?,
        image: proxy.image,
        arguments: Vec::new(),
        variables: proxy.variables,
        startup: Some((Port::DEFAULT, hops_model::HttpPath::default_readiness())),
        resources: hops_model::app::Resources::default(),
    }];
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::Exited, &["the sidecar proxy", "no credentials"])?;
    scene.end().await
}

#[tokio::test]
async fn a_wrong_liveness_path() -> Result<()> {
    let cluster = Cluster::hasty().await?;
    let mut scene = Scene::new(&cluster, "alive").await?;
    let mut web = scene.appling("web");
    web.liveness_path = Some(hops_model::HttpPath::parse("/alive")?);
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::ReadinessFailed, &["/alive answers 404", "`liveness_path`"])?;
    scene.end().await
}

#[tokio::test]
async fn a_sidecar_that_does_not_work() -> Result<()> {
    let cluster = Cluster::hasty().await?;
    let mut scene = Scene::new(&cluster, "waits").await?;
    let mut web = scene.appling("web");
    let proxy = with(&with(&scene.appling("proxy"), "HEALTH", "503"), "PORT", "5433");
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("proxy")?,
        image: proxy.image,
        arguments: Vec::new(),
        variables: proxy.variables,
        startup: Port::new(5433).map(|port| (port, hops_model::HttpPath::default_readiness())),
        resources: hops_model::app::Resources::default(),
    }];
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::TimedOut, &["waiting for the sidecar proxy: its path answers 503"])?;
    scene.end().await
}

#[tokio::test]
async fn an_object_that_is_refused_fails_its_appling_alone() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "refused").await?;
    let mut web = scene.appling("web");
    web.service = "a".repeat(64);
    let deployed = scene.deploy(&[web, scene.appling("api")]).await?;
    check(&deployed, CauseCode::Refused, &["must be no more than 63"])?;
    ensure!(deployed.of("api").cause.is_none(), "{:#?}", deployed.outcomes);
    let running = scene.engine().status(&scene.target).await?;
    ensure!(running.len() == 1, "the refused appling's containers were begun: {running:#?}");
    scene.end().await
}
