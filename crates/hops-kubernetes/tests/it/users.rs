//! Images of other users than root run under the Pod Security profile `restricted`.

use anyhow::{Context, Result, ensure};
use hops_kubernetes::{Settings, render_yaml};
use hops_model::{DesiredAppling, ImageUser, Port};
use hops_testkit::{Scene, images};

use crate::{kubectl, kubectl_with_input, world::Cluster};

async fn of_user(scene: &Scene<'_>, name: &str, user: &str) -> Result<DesiredAppling> {
    let image = images::of_user(user).await?;
    Ok(DesiredAppling { image, user: ImageUser::parse(user), ..scene.appling(name) })
}

#[tokio::test]
async fn an_image_keeps_its_user_and_has_no_capability() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "users").await?;
    let numbered = of_user(&scene, "numbered", "1000:50").await?;
    let named = of_user(&scene, "named", "ann").await?;
    scene.deploy_well(&[numbered.clone(), named.clone()]).await?;
    for (appling, user) in [(&numbered, 1000), (&named, 1234)] {
        let answer = scene.get_until(appling, "/file?path=/proc/self/status", |it| it.status == 200).await?;
        for (field, value) in [
            ("Uid:", user.to_string().as_str()),
            ("CapEff:", "0000000000000000"),
            ("NoNewPrivs:", "1"),
            ("Seccomp:", "2"),
        ] {
            let line = answer.body.lines().find(|line| line.starts_with(field)).context(field)?;
            ensure!(line.split_whitespace().nth(1) == Some(value), "{}: {line}, not {value}", appling.name);
        }
    }
    scene.end().await
}

#[tokio::test]
async fn a_low_port_needs_no_root() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "low").await?;
    let mut web = of_user(&scene, "web", "1000").await?;
    web.port = Port::new(80).context("a port")?;
    hops_testkit::scene::set(&mut web, "PORT", "80");
    scene.deploy_well(std::slice::from_ref(&web)).await?;
    scene.get_until(&web, "/", |answer| answer.status == 200).await?;
    let again = scene.deploy_well(std::slice::from_ref(&web)).await?;
    ensure!(again.plan.is_empty(), "{}", again.plan);
    scene.end().await
}

#[tokio::test]
async fn a_namespace_that_enforces_restricted_takes_it() -> Result<()> {
    let cluster = Cluster::new().await?;
    let mut scene = Scene::new(&cluster, "strictest").await?;
    let namespace = scene.target.namespace();
    kubectl(&["create", "namespace", &namespace]).await?;
    kubectl(&["label", "namespace", &namespace, "pod-security.kubernetes.io/enforce=restricted"]).await?;
    let mut web = scene.appling("web");
    web.port = Port::new(80).context("a port")?;
    for (user, is_taken) in [("1000", true), ("0", false)] {
        web.user = ImageUser::parse(user);
        let yaml = render_yaml(&scene.release(std::slice::from_ref(&web)), &Settings::default());
        let deployment =
            yaml.split("---\n").find(|it| it.contains("\nkind: Deployment\n")).context("none")?;
        // The rule is for pods, and is a mere warning for what makes them.
        let template: serde_json::Value = serde_saphyr::from_str(deployment)?;
        let template = &template["spec"]["template"];
        let pod = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": "web", "namespace": namespace, "labels": template["metadata"]["labels"] },
            "spec": template["spec"],
        });
        let said = kubectl_with_input(&["create", "--dry-run=server", "-f", "-"], &pod.to_string()).await;
        match said {
            Ok(_) => ensure!(is_taken, "{user} was taken"),
            Err(error) => {
                ensure!(!is_taken && error.to_string().contains("violates PodSecurity"), "{user}: {error}");
            }
        }
    }
    kubectl(&["delete", "namespace", &namespace, "--wait=false"]).await?;
    Ok(())
}
