//! Instances from their making to their end.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use hops_engine::EngineError;
use hops_model::{
    AppName, ApplingName, DesiredAppling, Environment, ImageUser, ReleaseNumber, SecretName, Target,
    desired::{DesiredValue, SecretMount},
    quantity::{Cpu, Memory},
};

use super::{
    super::{Container, ContainerState, Listener},
    scene,
    scene::{Scene, set, sidecar_role, variable},
};
use crate::{error::CreateError, labels::Role, render::Form};

super::on_both_engines!(
    an_instance_lives_from_its_making_to_its_end,
    what_is_left_behind_is_taken_over_or_made_anew,
    names_that_others_have_are_respected,
    sidecars_share_their_network_with_the_app,
    a_container_is_restarted_in_place,
    what_a_container_may_is_what_was_said,
    secrets_are_files_and_variables,
);

async fn an_instance_lives_from_its_making_to_its_end(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.aliases = vec!["shop-web".into()];
    set(&mut appling, "VERSION", "one");
    let id = scene.create(&appling, 1).await?;
    assert_eq!(id.name, format!("{}-shop-web-prod-1-1", scene.daemon.platform()));
    let made = scene.instance(&id).await?;
    assert_eq!((made.release, made.replica, &made.form), (ReleaseNumber(1), 1, &Form::of(&appling)));
    assert_eq!((&made.target, &made.appling), (&scene.target, &appling.name));
    assert!(made.is_whole(&appling));
    let container = made.app().unwrap();
    assert_eq!((container.state, container.exit_code, container.pid), (ContainerState::Created, None, None));
    assert_eq!((container.started_at, made.address), (None, None));

    scene.daemon.start(&id, &Role::App).await?;
    // Again is the same as once.
    scene.daemon.start(&id, &Role::App).await?;
    let running = scene.instance(&id).await?;
    assert!(running.app().unwrap().is_running() && running.app().unwrap().pid.is_some());
    assert_eq!(scene.get(&running, "/").await?.body, "one\n");
    assert_eq!(scene.daemon.listening_ports(&running).await, [Listener { port: 3030, is_loopback: false }]);
    // Siblings find it by every name.
    let other = scene.run(&scene.appling("api"), 1).await?;
    for name in ["web", "shop-web"] {
        assert_eq!(scene.get(&other, &format!("/call?url=http://{name}:3030/")).await?.body, "one\n");
    }

    scene.daemon.stop(&id, Duration::from_secs(10)).await?;
    let stopped = scene.instance(&id).await?;
    let container = stopped.app().unwrap();
    assert_eq!((container.state, container.exit_code), (ContainerState::Exited, Some(0)));
    assert!(container.finished_at > container.started_at && stopped.address.is_none());
    scene.tail(&container.id, 1, |lines| lines == ["bye"]).await?;
    scene.daemon.stop(&id, Duration::from_secs(10)).await?;
    for _ in 0..2 {
        scene.daemon.remove(&id).await?;
    }
    scene.daemon.stop(&id, Duration::from_secs(10)).await?;
    assert!(scene.instance(&id).await.is_err());
    assert_eq!(scene.daemon.instances(None).await?.len(), 1);
    Ok(())
}

async fn what_is_left_behind_is_taken_over_or_made_anew(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.sidecars.push(scene.sidecar("proxy"));
    let first = scene.run(&appling, 1).await?;
    let again = scene.run(&appling, 1).await?;
    assert_eq!(first, again);
    // One of its containers is gone, as after a crash in the middle.
    scene.daemon.remove_container(&first.id.name).await?;
    assert!(!scene.instance(&first.id).await?.is_whole(&appling));
    let mended = scene.run(&appling, 1).await?;
    assert_eq!(mended.owner().unwrap().id, first.owner().unwrap().id);
    assert_ne!(mended.app().unwrap().id, first.app().unwrap().id);
    // The owner of the network is gone, so everything is made anew.
    scene.daemon.remove_container(&first.id.container(&sidecar_role("proxy"))).await?;
    assert_eq!(scene.instance(&first.id).await?.cut_off().count(), 1);
    let mended_again = scene.run(&appling, 1).await?;
    assert_ne!(mended_again.app().unwrap().id, mended.app().unwrap().id);
    assert_eq!(mended_again.cut_off().count(), 0);
    // Another form under the same name.
    set(&mut appling, "VERSION", "two");
    let changed = scene.run(&appling, 1).await?;
    assert_eq!(scene.get(&changed, "/").await?.body, "two\n");
    assert_eq!(scene.daemon.instances(None).await?.len(), 1);
    Ok(())
}

async fn names_that_others_have_are_respected(scene: Arc<Scene>) -> Result<()> {
    let appling = scene.appling("web");
    let name = format!("{}-shop-web-prod-1-1", scene.daemon.platform());
    scene.engine.docker(&["create", "--name", &name, scene.image.as_str()]).await?;
    let refused = scene.create(&appling, 1).await;
    scene.engine.docker(&["rm", &name]).await?;
    let Err(CreateError::Engine(EngineError::NotOurs { object })) = refused else { panic!("{refused:?}") };
    assert_eq!(object, format!("container {name}"));
    // `b` of `shop-a` and `a-b` of `shop` are both `shop-a-b`.
    let one = scene.create(&scene.appling("a-b"), 1).await?;
    let target = Target::new(AppName::parse("shop-a").unwrap(), Environment::Prod);
    let network = scene.daemon.ensure_network(&target).await?;
    let appling = DesiredAppling { name: ApplingName::parse("b").unwrap(), ..appling };
    for _ in 0..2 {
        let other = scene.daemon.create(&network, &target, &appling, 1, &scene.secrets()).await?;
        assert!(other.name.starts_with(&format!("{}-", one.name)), "{other}");
    }
    let others = scene.daemon.instances(Some(&target)).await?;
    assert_eq!(others.len(), 1);
    scene.daemon.remove(&others[0].id).await?;
    Ok(scene.daemon.remove_network(&target).await?)
}

async fn sidecars_share_their_network_with_the_app(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.sidecars.push(scene.sidecar("proxy"));
    let mut second = scene.sidecar("app");
    second.variables.insert(variable("PORT"), DesiredValue::Literal("4001".into()));
    appling.sidecars.push(second);
    // Called when the app stops: the sidecars are still there.
    set(&mut appling, "CALL_ON_TERM", "http://127.0.0.1:4001/health");
    let instance = scene.run(&appling, 1).await?;
    assert!(instance.is_whole(&appling));
    let roles: Vec<String> = instance.containers.iter().map(|one| one.role.to_string()).collect();
    assert_eq!(roles, ["sidecar:proxy", "sidecar:app", "app"]);
    for port in [4000, 4001] {
        let path = format!("/call?url=http://127.0.0.1:{port}/health");
        assert_eq!(scene.get(&instance, &path).await?.body, "health is 200\n");
    }
    let other = scene.run(&scene.appling("api"), 1).await?;
    assert_eq!(scene.get(&other, "/call?url=http://web:4000/health").await?.status, 200);
    let ports: Vec<u16> = scene.daemon.listening_ports(&instance).await.iter().map(|one| one.port).collect();
    assert_eq!(ports, [3030, 4000, 4001]);

    // The owner of the network starts again, and the others keep a network that leads nowhere.
    scene.daemon.restart(&instance.id, &sidecar_role("proxy"), Duration::from_secs(5)).await?;
    let after =
        scene.until(&instance.id, |instance| instance.owner().is_some_and(Container::is_running)).await?;
    let cut_off: Vec<Role> = after.cut_off().map(|one| one.role.clone()).collect();
    assert_eq!(cut_off, [sidecar_role("app"), Role::App]);
    for role in &cut_off {
        scene.daemon.restart(&instance.id, role, Duration::from_secs(5)).await?;
    }
    let mended = scene.instance(&instance.id).await?;
    assert_eq!(mended.cut_off().count(), 0);
    assert_eq!(scene.get(&mended, "/health").await?.status, 200);

    let app = mended.app().unwrap().id.clone();
    scene.daemon.stop(&instance.id, Duration::from_secs(10)).await?;
    scene.tail(&app, 3, |lines| lines.iter().any(|line| line == "called on SIGTERM: health is 200")).await?;
    let stopped = scene.instance(&instance.id).await?;
    let mut ends: Vec<_> = stopped.containers.iter().map(|one| one.finished_at).collect();
    ends.reverse();
    assert!(ends.is_sorted(), "{ends:?}");
    Ok(())
}

async fn a_container_is_restarted_in_place(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    set(&mut appling, "ON_TERM", "ignore");
    let instance = scene.run(&appling, 1).await?;
    scene.get(&instance, "/").await?;
    scene.daemon.restart(&instance.id, &Role::App, Duration::from_secs(1)).await?;
    let again = scene.instance(&instance.id).await?;
    assert_eq!(again.app().unwrap().id, instance.app().unwrap().id);
    assert!(again.app().unwrap().started_at > instance.app().unwrap().started_at);
    // What exits is started again by Docker itself, and counted.
    scene.get(&again, "/").await?;
    let address = again.address.map(|ip| std::net::SocketAddr::new(ip, 3030)).unwrap();
    let _ = hops_testkit::http::get(address, "shop", "/exit/3").await;
    let after = scene
        .until(&instance.id, |instance| {
            instance.app().is_some_and(|container| container.restarts == 1 && container.is_running())
        })
        .await?;
    assert_eq!(after.app().unwrap().exit_code, None);
    assert_eq!(scene.get(&after, "/health").await?.status, 200);
    Ok(())
}

async fn what_a_container_may_is_what_was_said(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    appling.user = ImageUser::Number(1000);
    appling.resources.limits.memory = Some(Memory::parse("32Mi").unwrap());
    appling.resources.limits.cpu = Some(Cpu::parse("64").unwrap());
    appling.resources.requests.cpu = Some(Cpu::parse("100m").unwrap());
    let instance = scene.run(&appling, 1).await?;
    let status = scene.get(&instance, "/file?path=/proc/self/status").await?.body;
    let line = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    // NET_BIND_SERVICE is bit 10.
    assert_eq!(line("CapBnd:"), "0000000000000400");
    assert_eq!((line("NoNewPrivs:"), line("Seccomp:")), ("1".into(), "2".into()));
    let format = "{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}}";
    let inspected = scene.engine.docker(&["inspect", "--format", format, &instance.id.name]).await?;
    assert_eq!(inspected.trim(), "33554432 19660 4096");
    // With an init, the app is not process 1.
    assert!(!scene.get(&instance, "/process").await?.body.contains("\"pid\":1,"));
    let low = scene.get(&instance, "/file?path=/proc/sys/net/ipv4/ip_unprivileged_port_start").await?;
    assert_eq!(low.body.trim(), "0");
    Ok(())
}

async fn secrets_are_files_and_variables(scene: Arc<Scene>) -> Result<()> {
    let mut appling = scene.appling("web");
    let secret = SecretName::parse("firebase").unwrap();
    let key = DesiredValue::SecretKey { secret: secret.clone(), key: "token".into() };
    appling.variables.insert(variable("TOKEN"), key);
    appling.secret_mounts.push(SecretMount { secret, mount_path: "/etc/firebase".into() });
    let cause = scene::cause(scene.create(&appling, 1).await);
    assert_eq!(cause.code, hops_model::CauseCode::SecretMissing);
    let directory = scene.state.path().join("secrets/shop-prod/firebase");
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("token"), "t0ken\n")?;
    let instance = scene.run(&appling, 1).await?;
    assert!(scene.get(&instance, "/variables").await?.body.contains("\"TOKEN\":\"t0ken\""));
    assert_eq!(scene.get(&instance, "/file?path=/etc/firebase/token").await?.body, "t0ken\n");
    Ok(())
}
