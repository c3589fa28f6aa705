//! Each cause, provoked, and reported as soon as it is certain; and what becomes of what failed.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use hops_engine::Events;
use hops_model::{
    ApplingName, ApplingResult, CauseCode, DesiredAppling, Environment, Event, ImageRef, InstanceState,
    SecretName, VariableName,
    app::Amounts,
    desired::{DesiredValue, Sidecar},
    quantity::{Cpu, Memory},
};
use hops_testkit::{
    Deployed, DockerEngine, Scene,
    scene::{apply, set, with},
};

use crate::world::Machine;

/// Half the deadline of a patient machine, so that what is reported in this time was not waited for.
const AT_ONCE: Duration = Duration::from_mins(2);

on_both_engines! {
    an_image_that_does_not_exist,
    a_secret_that_does_not_exist_and_then_does,
    what_failed_at_first_heals_by_itself,
    a_sidecar_that_exits_is_named,
    a_host_of_another_app_is_refused_before_anything_changes,
    a_newer_deploy_takes_the_place_of_one_on_its_way,
    a_record_that_cannot_be_read_hurts_no_other_app,
    releases_that_are_numbered_anew_replace_nothing_that_serves,
    more_than_the_whole_machine_is_refused,
}

fn check(deployed: &Deployed, code: CauseCode, words: &[&str]) -> Result<()> {
    let cause = deployed.cause("web", code)?;
    let text = format!("{}\n{}\n{}", cause.message, cause.proof, cause.help);
    for word in words {
        ensure!(text.contains(word), "no `{word}` in {cause:#?}");
    }
    ensure!(deployed.took < AT_ONCE, "{:?}", deployed.took);
    println!(
        "{code} after {:?}: {}\n  {}\n  hint: {}",
        deployed.took, cause.message, cause.proof, cause.help
    );
    Ok(())
}

async fn an_image_that_does_not_exist(engine: DockerEngine) -> Result<()> {
    let machine = Machine::patient(engine).await?;
    let mut scene = Scene::new(&machine, "image").await?;
    let web = scene.appling("web");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let image = ImageRef::parse(&format!("{}@sha256:{}", web.image.repository(), "0".repeat(64)))?;
    let deployed = scene.deploy(&[DesiredAppling { image, ..web.clone() }]).await?;
    check(&deployed, CauseCode::ImagePullFailed, &[web.image.repository(), "not found"])?;
    ensure!(scene.get(&web, "/").await?.status == 200);
    scene.end().await
}

/// An appling that takes a variable from a Secret.
fn with_secret(scene: &Scene<'_>) -> Result<DesiredAppling> {
    let mut web = scene.appling("web");
    let secret = SecretName::parse("payment")?;
    let value = DesiredValue::SecretKey { secret, key: "api-key".into() };
    web.variables.insert(VariableName::parse("API_KEY")?, value);
    Ok(web)
}

fn make_secret(machine: &Machine, scene: &Scene<'_>) -> Result<()> {
    let target = &scene.target;
    let secret = machine.directory().join(format!("secrets/{}-{}/payment", target.app, target.environment));
    fs::create_dir_all(&secret)?;
    Ok(fs::write(secret.join("api-key"), "s3cret\n")?)
}

async fn a_secret_that_does_not_exist_and_then_does(engine: DockerEngine) -> Result<()> {
    let machine = Machine::patient(engine).await?;
    let mut scene = Scene::new(&machine, "secret").await?;
    let web = with_secret(&scene)?;
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::SecretMissing, &["payment", &machine.directory().display().to_string()])?;
    make_secret(&machine, &scene)?;
    // The same plan once more; nobody waits for the next attempt that would be made by itself.
    let (events, _told) = Events::channel();
    let begun = std::time::Instant::now();
    let outcomes = scene.engine().apply(&deployed.plan, &events).await?;
    ensure!(outcomes[0].result == ApplingResult::Live, "{outcomes:#?}");
    ensure!(begun.elapsed() < AT_ONCE);
    let answer = scene.get_until(&web, "/variables", |answer| answer.status == 200).await?;
    ensure!(answer.body.contains("s3cret"));
    // Written down nowhere by HOPS.
    for file in fs::read_dir(machine.directory().join("ledger"))? {
        ensure!(!fs::read_to_string(file?.path())?.contains("s3cret"));
    }
    scene.end().await
}

async fn what_failed_at_first_heals_by_itself(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "heals").await?;
    let web = with_secret(&scene)?;
    scene.deploy(std::slice::from_ref(&web)).await?;
    let status = scene.engine().status(&scene.target).await?;
    ensure!(status[0].ready == 0 && status[0].instances[0].state == InstanceState::Starting, "{status:#?}");
    ensure!(
        status[0].instances[0].cause.as_ref().is_some_and(|cause| cause.code == CauseCode::SecretMissing)
    );
    ensure!(scene.get(&web, "/").await?.status == 503, "its host is known");
    make_secret(&machine, &scene)?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    // From now on it is what others go back to.
    let broken = with(&web, "EXIT_AFTER", "0s");
    let deployed = scene.deploy(std::slice::from_ref(&broken)).await?;
    ensure!(deployed.of("web").restored.is_some_and(|release| release.0 == 1), "{:#?}", deployed.outcomes);
    ensure!(scene.get(&web, "/").await?.status == 200);
    scene.end().await
}

async fn a_sidecar_that_exits_is_named(engine: DockerEngine) -> Result<()> {
    let machine = Machine::patient(engine).await?;
    let mut scene = Scene::new(&machine, "beside").await?;
    let mut web = scene.appling("web");
    let mut proxy = with(&scene.appling("proxy"), "EXIT_AFTER", "0s");
    set(&mut proxy, "EXIT_CODE", "9");
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("proxy")?,
        image: proxy.image,
        arguments: Vec::new(),
        variables: proxy.variables,
        startup: None,
        resources: hops_model::app::Resources::default(),
    }];
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::Exited, &["the sidecar proxy", "with 9", "exiting with 9"])?;
    scene.end().await
}

async fn a_host_of_another_app_is_refused_before_anything_changes(engine: DockerEngine) -> Result<()> {
    let machine = Machine::patient(engine).await?;
    let mut shop = Scene::new(&machine, "shop").await?;
    let mut thief = Scene::in_environment(&machine, "thief", Environment::Prod).await?;
    let web = with(&shop.appling("web"), "VERSION", "the shop");
    shop.deploy_well(std::slice::from_ref(&web)).await?;
    let own = with(&thief.appling("web"), "VERSION", "the thief");
    thief.deploy_well(std::slice::from_ref(&own)).await?;
    let mut taken = with(&own, "VERSION", "the thief with the shop's host");
    taken.routes.clone_from(&web.routes);
    let deployed = thief.deploy(std::slice::from_ref(&taken)).await?;
    check(&deployed, CauseCode::RouteTaken, &[web.routes[0].as_str(), shop.target.app.as_str()])?;
    ensure!(shop.get(&web, "/").await?.body == "the shop\n");
    ensure!(thief.get(&own, "/").await?.body == "the thief\n");
    shop.end().await?;
    thief.deploy_well(std::slice::from_ref(&taken)).await?;
    thief.end().await
}

async fn a_newer_deploy_takes_the_place_of_one_on_its_way(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "newer").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let slow = with(&with(&web, "VERSION", "two"), "READY_AFTER", "10m");
    let plan = scene.plan(std::slice::from_ref(&slow)).await?;
    let engine = scene.engine();
    let (events, mut told) = Events::channel();
    let newest = with(&web, "VERSION", "three");
    let newer = async {
        while !matches!(told.recv().await.context("it ended")?, Event::Rollout { .. }) {}
        scene.deploy_well(std::slice::from_ref(&newest)).await
    };
    let (outcomes, newer) = tokio::join!(apply(engine, &plan, events), newer);
    let (outcomes, newer) = (outcomes?, newer?);
    let cause = outcomes[0].cause.as_ref().context("it is told")?;
    ensure!(cause.code == CauseCode::Cancelled, "{cause:#?}");
    ensure!(newer.of("web").result == ApplingResult::Live);
    ensure!(scene.get(&web, "/").await?.body == "three\n");
    scene.end().await
}

async fn a_record_that_cannot_be_read_hurts_no_other_app(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut broken = Scene::new(&machine, "broken").await?;
    let mut other = Scene::new(&machine, "other").await?;
    let (one, two) = (broken.appling("web"), other.appling("web"));
    broken.deploy_well(std::slice::from_ref(&one)).await?;
    other.deploy_well(std::slice::from_ref(&two)).await?;
    let containers = machine.containers().await?;
    machine.kill_hops().await;
    let target = &broken.target;
    let file = machine.directory().join(format!("ledger/{}.{}.json", target.app, target.environment));
    let text = fs::read_to_string(&file)?;
    fs::write(&file, &text[..text.len() / 2])?;
    machine.start_hops().await?;
    ensure!(other.get(&two, "/").await?.status == 200);
    let refused = broken.engine().status(target).await.err().context("it cannot be read")?;
    let refused = format!("{:#}", anyhow::Error::from(refused));
    ensure!(refused.contains(&file.display().to_string()), "{refused}");
    ensure!(machine.containers().await? == containers, "they are left alone");
    // As it says: put the file back.
    machine.kill_hops().await;
    fs::write(&file, text)?;
    machine.start_hops().await?;
    ensure!(broken.get(&one, "/").await?.status == 200);
    broken.end().await?;
    other.end().await
}

async fn releases_that_are_numbered_anew_replace_nothing_that_serves(engine: DockerEngine) -> Result<()> {
    let machine = Machine::on(engine).await?;
    let mut scene = Scene::new(&machine, "anew").await?;
    let one = with(&scene.appling("web"), "VERSION", "one");
    scene.deploy_well(std::slice::from_ref(&one)).await?;
    // As after the loss of the server's own database: the first release once more, and another one.
    let mut anew = Scene::of(&machine, scene.target.clone()).await?;
    let slow = with(&with(&one, "VERSION", "two"), "READY_AFTER", "2s");
    let plan = anew.plan(std::slice::from_ref(&slow)).await?;
    let engine = anew.engine();
    let (events, mut told) = Events::channel();
    let meanwhile = async {
        while let Some(event) = told.recv().await {
            ensure!(anew.get(&one, "/").await?.status == 200, "after {event:?}");
            if matches!(event, Event::Live { .. }) {
                break;
            }
        }
        anyhow::Ok(())
    };
    let (outcomes, meanwhile) = tokio::join!(apply(engine, &plan, events), meanwhile);
    meanwhile?;
    ensure!(outcomes?[0].result == ApplingResult::Live);
    ensure!(anew.get(&one, "/").await?.body == "two\n");
    anew.end().await
}

async fn more_than_the_whole_machine_is_refused(engine: DockerEngine) -> Result<()> {
    let machine = Machine::patient(engine).await?;
    let mut scene = Scene::new(&machine, "room").await?;
    let mut web = scene.appling("web");
    web.resources.requests =
        Amounts { memory: Some(Memory::parse("9999Gi")?), cpu: Some(Cpu::parse("900")?) };
    let deployed = scene.deploy(std::slice::from_ref(&web)).await?;
    check(&deployed, CauseCode::DoesNotFit, &["9999Gi of memory", "900 processors"])?;
    ensure!(machine.containers().await?.is_empty());
    scene.end().await
}
