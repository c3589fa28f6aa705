//! Apps do not meet.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::scene::{Scene, World, with};

/// What the test app answers where it could not call somebody.
const REFUSED: u16 = 502;
/// How often somebody is called who must not be reached.
const TRIES: usize = 5;

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
        let mut answer = None;
        // Docker, at least 20.10, puts the rules of a network that is being made before those that part networks, for a moment.
        // Other tests make networks all the time; what is reached once and again is reached.
        for _ in 0..TRIES {
            let asked = one.get(&asking, &format!("/call?url=http://{host}:3030/")).await;
            let asked = asked.with_context(|| format!("asking for {host}"))?;
            let is_refused = asked.status == REFUSED;
            answer = Some(asked);
            if is_refused {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        heard.push((host, answer.context("it was asked")?));
    }
    // Before it is judged: where it cannot be shown, nothing stays either.
    other.end().await?;
    one.end().await?;
    for (host, answer) in heard {
        ensure!(
            answer.status == REFUSED && !answer.body.contains("the secret"),
            "{host} was reached: {answer:?}"
        );
    }
    Ok(())
}
