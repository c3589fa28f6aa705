//! Live at a URL means: the next request to that URL is answered.

use anyhow::{Context, Result, ensure};
use hops_kubernetes::Address;
use hops_model::{ApplingResult, Event, HostName};
use hops_testkit::{Scene, address, scene::with};

use crate::world::Cluster;

#[tokio::test]
async fn the_first_request_after_live_is_answered_on_every_new_host() -> Result<()> {
    let cluster = Cluster::new().await?;
    for round in 1..=3 {
        let mut scene = Scene::new(&cluster, "first").await?;
        let mut web = scene.appling("web");
        web.replicas = 2;
        scene.deploy_well(std::slice::from_ref(&web)).await?;
        let status = scene.get(&web, "/").await?.status;
        ensure!(status == 200, "a new app, round {round}: {status}");
        // A new host beside the one that is there, three times.
        for number in 1..=3 {
            let host = format!("n{number}.{}.test.example", scene.target.app.dns());
            web.routes.insert(0, HostName::parse(&host)?);
            let deployed = scene.deploy_well(std::slice::from_ref(&web)).await?;
            ensure!(deployed.of("web").result == ApplingResult::Live);
            let is_warning = |event: &Event| matches!(event, Event::Warning { .. });
            ensure!(!deployed.events.iter().any(|(_, event)| is_warning(event)), "{:#?}", deployed.events);
            let status = scene.get(&web, "/").await?.status;
            ensure!(status == 200, "new host {number}, round {round}: {status}");
        }
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ingress_that_is_not_there_is_warned_of_and_only_for_new_hosts() -> Result<()> {
    // Nobody listens there.
    let address: Address = address::own_socket()?.into();
    let cluster = Cluster::with(|settings| settings.ingress_address = Some(address.clone())).await?;
    let mut scene = Scene::new(&cluster, "away").await?;
    let web = with(&scene.appling("web"), "VERSION", "one");
    let host = web.routes[0].as_str();

    let first = scene.deploy_well(std::slice::from_ref(&web)).await?;
    let at = |is_it: fn(&Event) -> bool| first.events.iter().position(|(_, event)| is_it(event));
    let warned = at(|event| matches!(event, Event::Warning { .. })).context("there is a warning")?;
    let live = at(|event| matches!(event, Event::Live { .. })).context("it is live all the same")?;
    ensure!(warned < live, "{:#?}", first.events);
    let Event::Warning { message } = &first.events[warned].1 else { unreachable!("it was found as one") };
    let expected = format!(
        "the ingress at {address} does not route {host} to web yet: it cannot be reached (Connection refused"
    );
    ensure!(message.starts_with(&expected) && message.contains("hint: "), "{message}");
    let waiting = format!("waiting for the ingress to route {host}");
    let is_told = |event: &Event| matches!(event, Event::Rollout { message, .. } if *message == waiting);
    ensure!(first.events.iter().any(|(_, event)| is_told(event)), "{:#?}", first.events);
    // The wait counts.
    ensure!(first.of("web").duration_ms.is_some_and(|took| took >= 5_000), "{:#?}", first.of("web"));

    let next = scene.deploy_well(&[with(&web, "VERSION", "two")]).await?;
    ensure!(next.of("web").result == ApplingResult::Live);
    let asked = next.events.iter().any(|(_, event)| is_told(event) || matches!(event, Event::Warning { .. }));
    ensure!(!asked, "a host that was there before was waited for: {:#?}", next.events);
    scene.end().await
}
