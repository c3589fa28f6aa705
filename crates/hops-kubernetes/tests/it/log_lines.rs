//! Logs across restarts and roll-outs.

use anyhow::{Result, ensure};
use futures::StreamExt;
use hops_engine::{LogLine, LogQuery, LogStream};
use hops_testkit::{PATIENCE, Scene, scene::with};

use crate::world::Cluster;

fn query(scene: &Scene<'_>) -> LogQuery {
    LogQuery {
        target: scene.target.clone(),
        appling: None,
        follow: false,
        previous: false,
        tail: None,
        since: None,
    }
}

async fn until(lines: &mut LogStream, text: &str) -> Result<LogLine> {
    let find = async {
        while let Some(line) = lines.next().await {
            let line = line?;
            if line.text == text {
                return Ok(line);
            }
        }
        anyhow::bail!("the lines ended before `{text}`")
    };
    tokio::time::timeout(PATIENCE, find).await?
}

#[tokio::test]
async fn following_takes_up_restarts_and_new_versions() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "follow").await?;
    let web = with(&scene.appling("web"), "PRINT", "version one");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    let mut lines = scene.engine().logs(LogQuery { follow: true, ..query(&scene) }).await?;
    let first = until(&mut lines, "version one").await?;
    ensure!(first.appling.as_str() == "web" && first.at.is_some(), "{first:?}");
    scene.get_until(&web, "/print/hello", |answer| answer.status == 200).await?;
    until(&mut lines, "hello").await?;
    scene.exit(&web, 1).await?;
    let restarted = until(&mut lines, "version one").await?;
    ensure!(restarted.instance == first.instance, "{restarted:?}");
    let next = with(&web, "PRINT", "version two");
    scene.deploy_well(std::slice::from_ref(&next)).await?;
    let second = until(&mut lines, "version two").await?;
    ensure!(second.instance != first.instance, "{second:?}");
    scene.end().await
}

#[tokio::test]
async fn tail_and_previous_choose_lines() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "tail").await?;
    let web = with(&scene.appling("web"), "PRINT", "begun");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    for n in 1..=5 {
        scene.get_until(&web, &format!("/print/line-{n}"), |answer| answer.status == 200).await?;
    }
    let texts = |lines: Vec<LogLine>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
    let collect = async |query: LogQuery| -> Result<Vec<LogLine>> {
        let lines: Vec<_> = scene.engine().logs(query).await?.collect().await;
        Ok(lines.into_iter().collect::<Result<_, _>>()?)
    };
    // The answer to a request may arrive before the container runtime has written the line.
    let mut lines = scene.engine().logs(LogQuery { follow: true, ..query(&scene) }).await?;
    until(&mut lines, "line-5").await?;
    let last = collect(LogQuery { tail: Some(2), ..query(&scene) }).await?;
    let since = last[0].at;
    ensure!(texts(last) == ["line-4", "line-5"]);
    ensure!(texts(collect(query(&scene)).await?).contains(&"begun".to_owned()));
    ensure!(!texts(collect(LogQuery { since, ..query(&scene) }).await?).contains(&"begun".to_owned()));
    scene.exit(&web, 1).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    // The kubelet may tell of the restart a moment after the new process has answered.
    let previous = async || anyhow::Ok(texts(collect(LogQuery { previous: true, ..query(&scene) }).await?));
    hops_testkit::until(previous, |texts| texts.iter().any(|text| text == "line-5")).await?;
    scene.end().await
}
