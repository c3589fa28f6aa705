//! Which process it is: a pid alone is reused, a pid with its start and the machine's boot is not.

use std::{fs, io, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};

/// One process, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// Clock ticks between boot and the start of the process.
    start: u64,
    boot: String,
}

impl Identity {
    /// Of a process that runs now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self { pid, start: start_of(&stat)?, boot: boot() })
    }

    /// A handle on the process if it still runs. Whatever is done through the handle cannot hit another process.
    pub(super) fn open(&self) -> Option<Process> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // Compared after opening: from here on the handle stands for what was compared.
        (Self::of(self.pid).as_ref() == Some(self)).then_some(Process { handle })
    }
}

/// A handle on a running process.
pub(super) struct Process {
    handle: OwnedFd,
}

impl Process {
    pub(super) fn signal(&self, signal: Signal) {
        // Fails only when the process is gone, which is what every signal here is for.
        let _ = pidfd_send_signal(&self.handle, signal);
    }

    /// Waits until it has ended, at most `limit`; whether it has.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let limit = Timespec { tv_sec: limit.as_secs().cast_signed(), tv_nsec: limit.subsec_nanos().into() };
        loop {
            match poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&limit)) {
                Ok(ready) => return ready > 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}

/// The current boot of this machine.
pub(super) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Field 22 of `/proc/PID/stat`; nothing for a process that has ended and waits to be reaped. The second field, the name,
/// is in parentheses and may itself contain blanks and parentheses.
fn start_of(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Duration, Identity, Signal, start_of};

    const STAT: &str = "1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 8831 170000 1";

    #[test]
    fn the_start_is_found_after_any_name() {
        assert_eq!(start_of(STAT), Some(8831));
    }

    #[test]
    fn an_ended_process_has_no_start() {
        assert_eq!(start_of(&STAT.replace(") S ", ") Z ")), None);
        assert_eq!(start_of("garbage"), None);
    }

    #[test]
    fn a_running_process_is_found_and_a_recycled_pid_is_not() {
        let own = Identity::of(std::process::id().cast_signed()).unwrap();
        assert!(own.open().is_some());
        assert!(Identity { start: own.start + 1, ..own.clone() }.open().is_none());
        assert!(Identity { boot: "another".to_owned(), ..own }.open().is_none());
    }

    #[test]
    fn waiting_ends_with_the_process() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let process = Identity::of(child.id().cast_signed()).unwrap().open().unwrap();
        assert!(!process.wait(Duration::ZERO));
        process.signal(Signal::KILL);
        assert!(process.wait(Duration::from_secs(10)));
        child.wait().unwrap();
    }
}
