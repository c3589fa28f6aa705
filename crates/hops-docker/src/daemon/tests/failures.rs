//! What cannot be made, started or reached, and what is said of it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Result;
use expect_test::expect;
use hops_model::{AppName, CauseCode, DesiredAppling, ImageRef, ImageUser};
use hops_testkit::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

use super::{
    super::{ConnectError, ContainerState, Daemon, init_failure},
    scene::{self, Scene},
};
use crate::{Settings, labels::Role};

super::on_both_engines!(
    an_image_that_is_nowhere_is_named_with_the_registrys_words,
    a_wrong_entry_point_is_told_with_or_without_an_init,
    a_container_without_a_command_or_its_user_cannot_be,
    a_full_disk_is_told_before_it_hurts,
    images_that_no_release_needs_are_removed,
);

async fn an_image_that_is_nowhere_is_named_with_the_registrys_words(scene: Arc<Scene>) -> Result<()> {
    let registry = scene.image.as_str().split_once('/').unwrap().0.to_owned();
    let with =
        |image: &str| DesiredAppling { image: ImageRef::parse(image).unwrap(), ..scene.appling("web") };
    let cause = scene::cause(scene.create(&with(&format!("{registry}/hops/nothing:1")), 1).await);
    assert_eq!(cause.code, CauseCode::ImagePullFailed);
    assert!(cause.proof.contains("not found") || cause.proof.contains("manifest unknown"), "{cause:?}");
    let local = format!("hops.local/shop/web@sha256:{}", "0".repeat(64));
    let cause = scene::cause(scene.create(&with(&local), 1).await);
    assert_eq!(cause.code, CauseCode::ImagePullFailed);
    assert_eq!(cause.message, format!("the image {local} is no longer on this machine"));
    Ok(())
}

async fn a_wrong_entry_point_is_told_with_or_without_an_init(scene: Arc<Scene>) -> Result<()> {
    let base = "FROM scratch\nCOPY Dockerfile /run.txt\n";
    for (place, entry, proof) in
        [(1, "/nope", "no such file or directory"), (2, "/run.txt", "permission denied")]
    {
        let image =
            scene.build(&format!("entry{place}"), &format!("{base}ENTRYPOINT [\"{entry}\"]\n")).await?;
        let appling = DesiredAppling { image: image.clone(), init: false, ..scene.appling("bare") };
        let id = scene.create(&appling, place).await?;
        let cause = scene::cause(scene.daemon.start(&id, &Role::App).await);
        assert_eq!(cause.code, CauseCode::CannotStart, "{cause:?}");
        assert!(cause.proof.contains(proof) && !cause.proof.contains("OCI"), "{cause:?}");
        let stayed = scene.instance(&id).await?;
        assert!(!stayed.app().unwrap().is_running(), "{stayed:?}");

        let appling = DesiredAppling { image: image.clone(), ..scene.appling("web") };
        let id = scene.create(&appling, place).await?;
        scene.daemon.start(&id, &Role::App).await?;
        let failed = scene
            .until(&id, |instance| instance.app().is_some_and(|one| one.state == ContainerState::Restarting))
            .await?;
        let container = failed.app().unwrap();
        let failure = |lines: &[String]| init_failure(&container.name, container.exit_code.unwrap(), lines);
        let lines = scene.tail(&container.id, 10, |lines| failure(lines).is_some()).await?;
        let cause = failure(&lines).unwrap();
        assert_eq!(cause.code, CauseCode::CannotStart);
        assert!(cause.proof.to_lowercase().contains(proof), "{cause:?}");
        scene.daemon.remove(&id).await?;
        scene.engine.docker(&["rmi", "--force", image.as_str()]).await?;
    }
    Ok(())
}

async fn a_container_without_a_command_or_its_user_cannot_be(scene: Arc<Scene>) -> Result<()> {
    let image = scene.build("silent", "FROM scratch\nCOPY Dockerfile /\n").await?;
    let appling = DesiredAppling { image: image.clone(), ..scene.appling("web") };
    let cause = scene::cause(scene.create(&appling, 1).await);
    assert_eq!(cause.code, CauseCode::CannotStart, "{cause:?}");
    assert!(cause.message.ends_with("says nothing of what to start"), "{cause:?}");
    scene.engine.docker(&["rmi", "--force", image.as_str()]).await?;

    let image = scene.build("nobody", &format!("FROM {}\nUSER nobody-knows\n", scene.image)).await?;
    let appling = DesiredAppling { image: image.clone(), ..scene.appling("web") };
    let id = scene.create(&appling, 1).await?;
    assert_eq!(scene.daemon.image_user(&image).await?.to_string(), "nobody-knows");
    let cause = scene::cause(scene.daemon.start(&id, &Role::App).await);
    assert_eq!(cause.code, CauseCode::CannotStart, "{cause:?}");
    assert!(cause.proof.contains("nobody-knows"), "{cause:?}");
    scene.daemon.remove(&id).await?;
    scene.engine.docker(&["rmi", "--force", image.as_str()]).await?;
    Ok(())
}

async fn a_full_disk_is_told_before_it_hurts(scene: Arc<Scene>) -> Result<()> {
    let room = scene.daemon.disk_room().await.unwrap();
    assert!(0 < room.free && room.free < room.total);
    let settings = |min_free_mib| Settings { min_free_mib, ..scene.daemon.settings().clone() };
    let daemon = Daemon::connect(&settings(0)).await?;
    assert_eq!(daemon.full_disk().await, None);
    let daemon = Daemon::connect(&settings(u64::MAX >> 24)).await?;
    let cause = daemon.full_disk().await.unwrap();
    assert_eq!(cause.code, CauseCode::DoesNotFit);
    let names: Vec<&str> = cause.proof.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(
        names,
        ["all images", "images that HOPS built and no container uses", "build results", "stopped containers"]
    );
    assert!(!cause.proof.starts_with("all images: 0 MiB"), "{}", cause.proof);
    Ok(())
}

async fn images_that_no_release_needs_are_removed(scene: Arc<Scene>) -> Result<()> {
    // No other test's images are of this app.
    let app = AppName::parse(scene.daemon.platform())?;
    let local = async |name: &str| -> Result<ImageRef> {
        let built = scene.build(name, &format!("FROM {}\nLABEL {name}={app}\n", scene.image)).await?;
        let id = scene.engine.docker(&["inspect", "--format", "{{.Id}}", built.as_str()]).await?;
        let repository = format!("{}{app}/web", scene.settings.repositories());
        scene.engine.docker(&["tag", built.as_str(), &format!("{repository}:{name}")]).await?;
        // Its first name is another one's.
        scene.engine.docker(&["rmi", built.as_str()]).await?;
        Ok(ImageRef::parse(&format!("{repository}@{}", id.trim()))?)
    };
    let (old, kept, used) = (local("old").await?, local("kept").await?, local("used").await?);
    let instance = scene.run(&DesiredAppling { image: used.clone(), ..scene.appling("web") }, 1).await?;
    assert_eq!(instance.app().unwrap().image, used.digest().unwrap());
    assert_eq!(scene.daemon.image_user(&used).await?, ImageUser::Root);
    let keep = BTreeSet::from([kept.clone()]);
    // They are younger than any release could be written down.
    assert_eq!(scene.daemon.prune_images(&app, &keep).await?, 0);
    assert_eq!(scene.daemon.prune_images_older_than(Duration::ZERO, &app, &keep).await?, 1);
    for (image, is_there) in [(&old, false), (&kept, true), (&used, true)] {
        assert_eq!(scene.daemon.has_image(image).await?, is_there, "{image}");
    }
    // Used again: as young as if it had been built now, whenever that was.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(scene.daemon.keep_image(&kept).await?);
    assert!(!scene.daemon.keep_image(&old).await?);
    let second = Duration::from_secs(1);
    assert_eq!(scene.daemon.prune_images_older_than(second, &app, &BTreeSet::new()).await?, 0);
    scene.daemon.remove(&instance.id).await?;
    // Another platform has apps of the same name.
    let other =
        Daemon::connect(&Settings { platform: format!("{app}-other"), ..scene.settings.clone() }).await?;
    assert_eq!(other.prune_images_older_than(Duration::ZERO, &app, &BTreeSet::new()).await?, 0);
    assert_eq!(scene.daemon.prune_images_older_than(Duration::ZERO, &app, &BTreeSet::new()).await?, 2);
    Ok(())
}

fn at(path: &std::path::Path) -> Settings {
    Settings { socket: format!("unix://{}", path.display()), ..Settings::default() }
}

async fn refused(settings: &Settings) -> ConnectError {
    match Daemon::connect(settings).await {
        Err(error) => error,
        Ok(_) => panic!("{} was reached", settings.socket),
    }
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_told_from_one_that_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    let error = refused(&at(&path)).await;
    assert!(matches!(error, ConnectError::NotThere { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("Docker is not there: {} does not exist", path.display()));
    drop(UnixListener::bind(&path).unwrap());
    let error = refused(&at(&path)).await;
    assert!(matches!(error, ConnectError::NotRunning { .. }), "{error:?}");
    expect!["start it with `sudo systemctl start docker`"].assert_eq(error.help());
}

#[tokio::test]
async fn a_daemon_elsewhere_is_refused() {
    for socket in ["tcp://10.0.0.1:2375", "ssh://somewhere", "docker.sock"] {
        let error = refused(&Settings { socket: socket.to_owned(), ..Settings::default() }).await;
        assert!(matches!(error, ConnectError::NotLocal { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_daemon_that_is_too_old_or_unfit_is_refused() {
    let version = |api: &str| format!(r#"{{"Version":"19.3","ApiVersion":"{api}"}}"#);
    let check = async |version: String, info: &'static str, expected: &str| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let is_version = request[..read].starts_with(b"GET /version");
                let body = if is_version { version.as_str() } else { info };
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.write_all((head + body).as_bytes()).await;
            }
        });
        let settings = at(&path);
        let connecting = tokio::time::timeout(PATIENCE, refused(&settings));
        assert_eq!(connecting.await.unwrap().to_string(), expected);
        serving.abort();
    };
    let message = "Docker 19.3 is too old: it speaks API 1.40, HOPS needs 1.41";
    check(version("1.40"), r#"{"ServerVersion":"19.3"}"#, message).await;
    let message = "HOPS cannot run apps on this Docker: it runs rootless, so that the addresses of its containers are hidden from this machine";
    check(
        version("1.44"),
        r#"{"SecurityOptions":["name=seccomp,profile=builtin","name=rootless"]}"#,
        message,
    )
    .await;
}
