//! Keepers of real containers.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use hops_engine::{EngineError, Events};
use hops_model::{ApplingOutcome, ApplingResult, CauseCode, DesiredAppling, Event, ReleaseNumber};
use hops_proxy::{Balance, DrainTimes, Routes, Upstream};
use hops_testkit::PATIENCE;
use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot, watch},
    time::{self, Instant},
};

use super::{Keeper, Keeping, Order, Post};
use crate::{
    daemon::{
        Instance,
        tests::scene::{Scene, set},
    },
    ledger::{Entry, Held},
    site::Site,
};

crate::daemon::tests::on_both_engines!(
    a_keeper_that_failed_begins_anew_with_what_is_there,
    what_serves_is_not_changed_before_it_is_written,
    what_is_not_wanted_goes_once_that_can_be_written_unless_it_is_wanted_again,
    who_tries_again_is_not_told_of_another_deploy,
    what_a_former_hops_began_is_not_waited_for_anew,
);

fn site(scene: &Scene) -> Result<Arc<Site>> {
    let drain = DrainTimes { requests: Duration::from_secs(1), upgraded: Duration::from_secs(1) };
    let (daemon, settings) = (scene.daemon.clone(), scene.settings.clone());
    Ok(Arc::new(Site::open(daemon, settings, scene.state.path(), Routes::new(), drain)?))
}

fn keeper(scene: &Scene, form: &DesiredAppling) -> Result<Keeper> {
    let (target, name) = (scene.target.clone(), form.name.clone());
    Ok(Keeper::begin(site(scene)?, target, name, Entry::default(), Vec::new()))
}

/// What becomes of an order, once somebody says so.
type Decided = oneshot::Receiver<Result<ApplingOutcome, EngineError>>;

fn order(keeper: &Keeper, form: &DesiredAppling) -> (Decided, UnboundedReceiver<Event>) {
    let (verdict, decided) = oneshot::channel();
    let (events, told) = Events::channel();
    keeper.adopt(Order { form: form.clone(), is_changed: true, events, begun: Instant::now(), verdict });
    (decided, told)
}

async fn until_live(decided: Decided) -> Result<()> {
    let outcome = time::timeout(PATIENCE, decided).await?.context("nobody decided")??;
    ensure!(outcome.result == ApplingResult::Live, "{outcome:#?}");
    Ok(())
}

async fn until_told(
    told: &mut UnboundedReceiver<Event>,
    is_wanted: impl Fn(&Event) -> bool,
) -> Result<Event> {
    let waiting = async {
        loop {
            let event = told.recv().await.context("nothing more is told")?;
            if is_wanted(&event) {
                return Ok(event);
            }
        }
    };
    time::timeout(PATIENCE, waiting).await?
}

fn next(form: &DesiredAppling) -> DesiredAppling {
    let release = ReleaseNumber(form.release.0 + 1);
    let mut next = DesiredAppling { release, ..form.clone() };
    set(&mut next, "VERSION", &release.to_string());
    next
}

async fn instances(scene: &Scene) -> Result<Vec<Instance>> {
    Ok(scene.daemon.instances(Some(&scene.target)).await?)
}

async fn a_keeper_that_failed_begins_anew_with_what_is_there(scene: Arc<Scene>) -> Result<()> {
    let form = scene.appling("web");
    let keeper = keeper(&scene, &form)?;
    until_live(order(&keeper, &form).0).await?;
    let before = instances(&scene).await?.pop().context("an instance")?;
    let former = &before.app().context("its container")?.id;

    keeper.fault();
    // Somebody has to be there who makes it again.
    scene.daemon.remove(&before.id).await?;
    let made_anew = |now: &Vec<Instance>| now.iter().filter_map(Instance::app).any(|app| app.id != *former);
    hops_testkit::until(async || instances(&scene).await, made_anew).await?;

    until_live(order(&keeper, &next(&form)).0).await?;
    keeper.retire().await??;
    assert_eq!(instances(&scene).await?.len(), 0);
    Ok(())
}

async fn what_serves_is_not_changed_before_it_is_written(scene: Arc<Scene>) -> Result<()> {
    let form = scene.appling("web");
    let keeper = keeper(&scene, &form)?;
    until_live(order(&keeper, &form).0).await?;
    let mut slow = next(&form);
    set(&mut slow, "LISTEN_AFTER", "4s");
    let (decided, mut told) = order(&keeper, &slow);
    until_told(&mut told, |event| matches!(event, Event::Rollout { .. })).await?;
    // Where a new file is written before it takes the place of the former one.
    let in_the_way = scene.state.path().join("ledger").join("shop.prod.new");
    fs::create_dir(&in_the_way)?;
    let warning = until_told(&mut told, |event| matches!(event, Event::Warning { .. })).await?;
    let Event::Warning { message } = warning else { unreachable!("it was looked for") };
    ensure!(
        message.starts_with("web is ready, but docker could not keep its record of shop in prod"),
        "{message}"
    );
    // A restart would find both, and let the former one serve.
    assert_eq!(instances(&scene).await?.len(), 2);

    fs::remove_dir(&in_the_way)?;
    until_live(decided).await?;
    let only_the_new = |now: &Vec<Instance>| now.len() == 1 && now[0].release == slow.release;
    hops_testkit::until(async || instances(&scene).await, only_the_new).await?;
    keeper.retire().await??;
    Ok(())
}

async fn what_is_not_wanted_goes_once_that_can_be_written_unless_it_is_wanted_again(
    scene: Arc<Scene>,
) -> Result<()> {
    let form = scene.appling("web");
    let keeper = keeper(&scene, &form)?;
    until_live(order(&keeper, &form).0).await?;
    let in_the_way = scene.state.path().join("ledger").join("shop.prod.new");
    // A deploy does not wait for it; that the next order is refused shows that it was tried.
    let retire_in_vain = async || {
        fs::create_dir(&in_the_way)?;
        drop(keeper.retire());
        ensure!(order(&keeper, &next(&next(&form))).0.await?.is_err(), "it was written down");
        ensure!(!instances(&scene).await?.is_empty());
        anyhow::Ok(fs::remove_dir(&in_the_way)?)
    };
    retire_in_vain().await?;
    until_live(order(&keeper, &next(&form)).0).await?;
    time::sleep(super::PAUSE * 2).await;
    ensure!(!instances(&scene).await?.is_empty(), "it is wanted again");
    retire_in_vain().await?;
    hops_testkit::until(async || instances(&scene).await, Vec::is_empty).await.map(drop)
}

async fn who_tries_again_is_not_told_of_another_deploy(scene: Arc<Scene>) -> Result<()> {
    let mut form = scene.appling("web");
    set(&mut form, "LISTEN_AFTER", "3s");
    let keeper = keeper(&scene, &form)?;
    let (decided, mut told) = order(&keeper, &form);
    until_told(&mut told, |event| matches!(event, Event::Rollout { .. })).await?;
    // As when the daemon went away meanwhile.
    drop(decided);
    let (decided, mut told_again) = order(&keeper, &form);
    until_live(decided).await?;
    told.close();
    told_again.close();
    while let Some(event) = told.recv().await {
        ensure!(!matches!(event, Event::Failed { .. }), "{event:?}");
    }
    // Somebody who still waits is told.
    let (replaced, _) = order(&keeper, &next(&form));
    let (latest, _) = order(&keeper, &next(&next(&form)));
    let outcome = replaced.await??;
    assert_eq!(outcome.cause.context("a cause")?.code, CauseCode::Cancelled);
    until_live(latest).await?;
    keeper.retire().await??;
    Ok(())
}

async fn what_a_former_hops_began_is_not_waited_for_anew(scene: Arc<Scene>) -> Result<()> {
    let mut form = scene.appling("web");
    set(&mut form, "LISTEN_AFTER", "1h");
    let instance = scene.run(&form, 1).await?;
    let ago = Duration::from_secs(1);
    time::sleep(ago).await;
    let entry = Entry { coming: Some(Held { since: form.release, first: 1, form }), ..Entry::default() };
    let name = instance.appling.clone();
    let (status, settled) = (watch::channel(None).0, watch::channel(false).0);
    let post = Post {
        site: site(&scene)?,
        owner: (scene.target.clone(), name),
        upstream: Upstream::with("web", Balance::default(), DrainTimes::default()),
        status,
        settled,
    };
    let keeping = Keeping::new(post, entry, vec![instance]);
    let waited = keeping.coming.context("it is on its way")?.patience.waited(Instant::now());
    ensure!(waited >= ago && waited < PATIENCE, "{waited:?}");
    Ok(())
}
