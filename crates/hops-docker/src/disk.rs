//! Room on the daemon's disk: a deploy into a full one is refused before it hurts what runs.

mod usage;

use hops_model::{Cause, CauseCode};

use crate::daemon::Daemon;

/// The room where the daemon keeps its data, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// What an ordinary program can still write.
    pub(crate) free: u64,
    /// All there is.
    pub(crate) total: u64,
}

const MIB: u64 = 1024 * 1024;

const HELP: &str = "free some with `docker builder prune` (build results), `docker container prune` (stopped containers) and `docker image prune -a` (images that no container uses), then deploy again";

/// That the disk was full when the daemon wanted to write, if that is what it says.
pub(crate) fn written_full(words: &str) -> Option<Cause> {
    let is_full = words.contains("no space left on device");
    is_full.then(|| Cause::new(CauseCode::DoesNotFit, "Docker's disk is full", HELP).with_proof(words))
}

impl Daemon {
    /// The room that is left; none where it cannot be seen from here.
    pub(crate) async fn disk_room(&self) -> Option<Room> {
        let path = self.machine().data_root.clone();
        let asked =
            tokio::task::spawn_blocking(move || rustix::fs::statvfs(&path).map_err(|error| (path, error)));
        match asked.await.ok()? {
            Ok(found) => Some(Room {
                free: found.f_bavail.saturating_mul(found.f_frsize),
                total: found.f_blocks.saturating_mul(found.f_frsize),
            }),
            Err((path, error)) => {
                tracing::debug!(%error, path = %path.display(), "the room on Docker's disk cannot be read");
                None
            }
        }
    }

    /// Why nothing may be deployed now, if less room is left than the settings say; with what would free some.
    pub(crate) async fn full_disk(&self) -> Option<Cause> {
        let room = self.disk_room().await?;
        let least = self.settings().min_free_mib.saturating_mul(MIB);
        if room.free >= least {
            return None;
        }
        let usage = self.disk_usage().await;
        Some(cause(&self.machine().data_root.display().to_string(), room, least, usage.as_ref()))
    }
}

fn cause(data_root: &str, room: Room, least: u64, usage: Option<&usage::Usage>) -> Cause {
    let message = format!(
        "{} of {} are free below {data_root}, where HOPS leaves {} free",
        usage::size(room.free),
        usage::size(room.total),
        usage::size(least),
    );
    let cause = Cause::new(CauseCode::DoesNotFit, message, HELP);
    match usage {
        Some(usage) => cause.with_proof(usage.to_string()),
        None => cause,
    }
}
