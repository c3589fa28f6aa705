//! Apps do not meet.

use anyhow::{Context, Result, ensure};

use crate::scene::{Scene, World, with};

/// A container neither finds another app by a name nor reaches it by its address.
pub async fn another_app_is_out_of_reach(world: &dyn World) -> Result<()> {
    let mut one = Scene::new(world, "one").await?;
    let mut other = Scene::new(world, "other").await?;
    let asking = one.appling("asking");
    let secret = with(&other.appling("secret"), "VERSION", "the secret");
    one.deploy_well(std::slice::from_ref(&asking)).await?;
    other.deploy_well(std::slice::from_ref(&secret)).await?;
    let address = other.get_until(&secret, "/address", |answer| answer.status == 200).await?;
    let address = address.body.trim();
    ensure!(address.parse::<std::net::Ipv4Addr>().is_ok(), "{address}");
    // It does reach itself: what is asked below fails for no other reason than that it is another app's.
    let own = one.get_until(&asking, "/address", |answer| answer.status == 200).await?;
    let url = format!("/call?url=http://{}:3030/health", own.body.trim());
    one.get_until(&asking, &url, |answer| answer.status == 200).await?;
    let mut heard = Vec::new();
    for host in ["secret", address] {
        let answer = one.get(&asking, &format!("/call?url=http://{host}:3030/")).await;
        heard.push((host, answer.with_context(|| format!("asking for {host}"))?));
    }
    // Before it is judged: where it cannot be shown, nothing stays either.
    other.end().await?;
    one.end().await?;
    for (host, answer) in heard {
        ensure!(
            answer.status == 502 && !answer.body.contains("the secret"),
            "{host} was reached: {answer:?}"
        );
    }
    Ok(())
}
