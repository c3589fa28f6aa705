//! What of a processor a build step gets beside an app.

use std::{fs, time::Duration};

use hops_build::Builder;
use hops_model::{Event, ImageRef};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    daemon::{Daemon, on},
    engine::Engine,
    shop::{Shop, nonce},
};

on! { old_docker OldDocker: all_build_steps_together_weigh_as_much_as_one_container_of_dockers_default }
on! { new_docker NewDocker: all_build_steps_together_weigh_as_much_as_one_container_of_dockers_default }

/// Two build steps and an app want the same core. Nothing can be said to the builder about weights that engines of both
/// ages understand, so apps are given more than the default, 1024.
async fn all_build_steps_together_weigh_as_much_as_one_container_of_dockers_default(daemon: Daemon) {
    let shop = Shop::new(daemon);
    let marker = nonce();
    // An engine that is killed leaves its build steps behind, so they end by themselves.
    let burn = format!("RUN exec taskset 1 sh -c 'ulimit -t 120; while true; do :; done' {marker}");
    shop.write("app/Dockerfile", daemon.dockerfile("CMD [\"sh\", \"-c\", \"while true; do :; done\"]"));
    shop.write("one/Dockerfile", daemon.dockerfile(&burn)).write("two/Dockerfile", daemon.dockerfile(&burn));
    let commit = shop.commit().await;
    let image = shop.build(&commit, &["app"]).await.image("app").clone();

    let builder = shop.builder();
    let request = shop.request(&commit, &["one", "two"]).await;
    let (sender, mut events) = mpsc::unbounded_channel();
    let measure = async {
        let mut started = 0;
        while started < 2 {
            let event = events.recv().await.unwrap();
            started += usize::from(matches!(event, Event::BuildStep { step, .. } if step.contains(&marker)));
        }
        let steps = burning(&marker, 2).await;
        let engine = daemon.engine().unwrap();
        (share(&engine, &image, 1024, &steps).await, share(&engine, &image, 16_384, &steps).await)
    };
    let (same, more) = tokio::select! {
        _ = builder.build(request, sender) => panic!("they burn"),
        shares = measure => shares,
    };
    // 1 of 2, and 16 of 17; more of it where other builds of this machine take from these steps' part.
    assert!(same > 0.4 && more > 0.85 && same + 0.1 < more, "{same} {more}");
}

/// What an app of a weight gets of the core that build steps burn, too: its part of what all of them got.
async fn share(engine: &Engine, image: &ImageRef, weight: u32, steps: &[u32]) -> f64 {
    let body = json!({
        "Image": image.digest().unwrap(),
        "HostConfig": {"CpuShares": weight, "CpusetCpus": "0", "AutoRemove": true},
    });
    let (status, created) = engine.ask("POST", "/containers/create", Some(&body)).await;
    assert_eq!(status, 201, "{created}");
    let container = format!("/containers/{}", created["Id"].as_str().unwrap());
    assert_eq!(engine.ask("POST", &format!("{container}/start"), None).await.0, 204);
    let (_, found) = engine.ask("GET", &format!("{container}/json"), None).await;
    let app = u32::try_from(found["State"]["Pid"].as_u64().unwrap()).unwrap();
    let burnt = || (ticks(app), steps.iter().copied().map(ticks).sum::<u64>());
    let (app_before, steps_before) = burnt();
    let share = loop {
        let (app, steps) = burnt();
        let (app, steps) = (app - app_before, steps - steps_before);
        // Two seconds of the core, however long others make that last.
        if app + steps > 200 {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
            break app as f64 / (app + steps) as f64;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(engine.ask("DELETE", &format!("{container}?force=1"), None).await.0, 204);
    share
}

/// The processes with a word among their arguments, once they are as many as expected.
async fn burning(marker: &str, count: usize) -> Vec<u32> {
    let has_marker = |pid: &u32| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments.starts_with(b"sh\0")
            && arguments.split(|byte| *byte == 0).any(|word| word == marker.as_bytes())
    };
    loop {
        let all = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let found: Vec<u32> = all.filter(has_marker).collect();
        if found.len() == count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Processor time that a process had, in hundredths of a second: fields 14 and 15 of `proc_pid_stat(5)`.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}
