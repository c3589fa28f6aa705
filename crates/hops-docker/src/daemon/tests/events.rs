//! What the daemon tells as it happens.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use futures::{StreamExt, stream::BoxStream};
use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use hops_model::quantity::Memory;
use hops_testkit::PATIENCE;

use super::{
    super::{Daemon, DaemonEvent},
    scene::{Scene, set},
};
use crate::{Settings, labels::Role};

super::on_both_engines!(
    starts_ends_and_removals_are_told,
    an_end_by_lack_of_memory_is_told_as_such,
    a_daemon_that_was_away_is_told_to_be_back,
);

async fn next(events: &mut BoxStream<'static, DaemonEvent>) -> Result<DaemonEvent> {
    tokio::time::timeout(PATIENCE, events.next())
        .await
        .context("nothing is told")?
        .context("the events ended")
}

async fn starts_ends_and_removals_are_told(scene: Arc<Scene>) -> Result<()> {
    let mut events = scene.daemon.events();
    let instance = scene.run(&scene.appling("web"), 1).await?;
    let DaemonEvent::Started(subject) = next(&mut events).await? else { panic!("not started") };
    assert_eq!((&subject.target, &subject.instance), (&scene.target, &instance.id.name));
    assert_eq!((&subject.role, &subject.container), (&Role::App, &instance.app().unwrap().id));
    scene.get(&instance, "/").await?;
    let address = std::net::SocketAddr::new(instance.address.unwrap(), 3030);
    let _ = hops_testkit::http::get(address, "shop", "/exit/7").await;
    let died = DaemonEvent::Died { subject: subject.clone(), code: 7, is_out_of_memory: false };
    assert_eq!(next(&mut events).await?, died);
    assert_eq!(next(&mut events).await?, DaemonEvent::Started(subject.clone()));
    scene.daemon.remove(&instance.id).await?;
    assert!(matches!(next(&mut events).await?, DaemonEvent::Died { .. }));
    assert_eq!(next(&mut events).await?, DaemonEvent::Removed(subject));
    Ok(())
}

async fn an_end_by_lack_of_memory_is_told_as_such(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.resources.limits.memory = Some(Memory::parse("32Mi").unwrap());
    set(&mut appling, "ALLOCATE_MB", "64");
    let mut events = scene.daemon.events();
    let instance = scene.run(&appling, 1).await?;
    let code = loop {
        match next(&mut events).await? {
            DaemonEvent::Died { code, is_out_of_memory: true, .. } => break code,
            DaemonEvent::Died { .. } => panic!("not for lack of memory"),
            _ => {}
        }
    };
    assert_eq!(code, 137);
    scene.until(&instance.id, |instance| instance.app().is_some_and(|one| one.is_out_of_memory)).await?;
    Ok(())
}

/// Stands before the engine, and can be gone.
struct Door {
    path: std::path::PathBuf,
    engine: String,
}

impl Door {
    fn open(&self) -> JoinHandle<()> {
        let _ = std::fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path).unwrap();
        let engine = self.engine.trim_start_matches("unix://").to_owned();
        tokio::spawn(async move {
            // Dropped with the task, and every connection with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let engine = engine.clone();
                connections.spawn(async move {
                    let mut engine = UnixStream::connect(engine).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                });
            }
        })
    }
}

async fn a_daemon_that_was_away_is_told_to_be_back(scene: Arc<Scene>) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let door = Door { path: directory.path().join("docker.sock"), engine: scene.engine.socket.clone() };
    let open = door.open();
    let socket = format!("unix://{}", door.path.display());
    let daemon = Daemon::connect(&Settings { socket, ..scene.daemon.settings().clone() }).await?;
    let mut events = daemon.events();
    let instance = scene.run(&scene.appling("web"), 1).await?;
    assert!(matches!(next(&mut events).await?, DaemonEvent::Started(_)));
    open.abort();
    let _ = open.await;
    let error = daemon.instances(None).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    tokio::time::timeout(Duration::from_millis(500), events.next()).await.unwrap_err();
    let _open = door.open();
    assert_eq!(next(&mut events).await?, DaemonEvent::Reconnected);
    scene.daemon.remove(&instance.id).await?;
    loop {
        if matches!(next(&mut events).await?, DaemonEvent::Removed(_)) {
            return Ok(());
        }
    }
}
