//! How tests wait for what is sure to come.

use std::{fmt::Debug, time::Duration};

use anyhow::{Result, bail};

/// How long a test waits for what is sure to come. Nothing but a fault takes so long, on a busy machine either.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Looks again and again until what is seen is as wanted, such as a line that was printed and is written down a moment
/// later. The error says what was seen last.
pub async fn until<T: Debug>(look: impl AsyncFn() -> Result<T>, is_wanted: impl Fn(&T) -> bool) -> Result<T> {
    let mut last = None;
    let looking = async {
        loop {
            let seen = look().await?;
            if is_wanted(&seen) {
                return Ok(seen);
            }
            last = Some(seen);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(result) => result,
        Err(_) => bail!("not as wanted in time; the last one is {last:?}"),
    }
}
