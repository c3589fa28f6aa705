//! Siblings call each other while containers take turns. Docker names a container from its start to its end, whether it
//! is ready or not: what is refused by one address has to be answered by the next. Nothing tells siblings beforehand that
//! one is about to end, so what it has in hand is asked for again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use hops_model::ReleaseNumber;
use tokio::sync::watch;

use super::scene::{Scene, set};

super::on_both_engines!(
    siblings_lose_nothing_to_a_container_that_is_slow_to_listen,
    siblings_lose_nothing_to_a_container_that_ends_politely,
);

async fn siblings_lose_nothing_to_a_container_that_is_slow_to_listen(scene: Arc<Scene>) -> Result<()> {
    take_turns(scene, "die", "1s").await
}

async fn siblings_lose_nothing_to_a_container_that_ends_politely(scene: Arc<Scene>) -> Result<()> {
    take_turns(scene, "polite", "0s").await
}

async fn take_turns(scene: Arc<Scene>, on_term: &str, listen_after: &str) -> Result<()> {
    let mut web = scene.appling("web");
    set(&mut web, "VERSION", "1");
    set(&mut web, "ON_TERM", on_term);
    let mut present = scene.run(&web, 1).await?;
    scene.get(&present, "/").await?;
    let api = scene.run(&scene.appling("api"), 1).await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let (heard, mut last_heard) = watch::channel(String::new());
    let calling = tokio::spawn({
        let (scene, is_over) = (scene.clone(), is_over.clone());
        async move {
            let mut answers: BTreeMap<(u16, String), u32> = BTreeMap::new();
            loop {
                let is_last = is_over.load(Ordering::Relaxed);
                let answer = scene.get(&api, "/call?again&url=http://web:3030/").await?;
                let body = answer.body.trim().to_owned();
                heard.send_replace(body.clone());
                *answers.entry((answer.status, body)).or_default() += 1;
                if is_last {
                    return anyhow::Ok(answers);
                }
            }
        }
    });
    set(&mut web, "LISTEN_AFTER", listen_after);
    for release in 2..4 {
        // The only one that there is. It has been called before it leaves.
        let present_version = (release - 1).to_string();
        last_heard.wait_for(|body| *body == present_version).await.context("the calls ended")?;
        web.release = ReleaseNumber(release);
        set(&mut web, "VERSION", &release.to_string());
        let next = scene.run(&web, 1).await?;
        scene.get(&next, "/").await?;
        scene.daemon.stop(&present.id, Duration::from_secs(30)).await?;
        scene.daemon.remove(&present.id).await?;
        present = next;
    }
    // One more call, which only the last one can answer.
    is_over.store(true, Ordering::Relaxed);
    let answers = calling.await??;
    let seen: Vec<(u16, &str)> = answers.keys().map(|(status, body)| (*status, body.as_str())).collect();
    assert_eq!(seen, [(200, "1"), (200, "2"), (200, "3")], "{answers:?}");
    Ok(())
}
