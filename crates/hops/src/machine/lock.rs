//! One HOPS a state directory, and the way to the one that has it.
//!
//! The lock is a record lock of the kernel (`fcntl(2)`): it goes with its process however that ends, is not inherited
//! by the programs that the process starts, and the kernel tells who has it. No number in a file can be out of date.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FlockOperation, fcntl_lock},
    io::Errno,
    process::{Flock, FlockType, Pid, PidfdFlags, Signal, fcntl_getlk, pidfd_open, pidfd_send_signal},
};
use thiserror::Error;

/// The file, in the state directory.
const FILE: &str = "lock";

/// The state directory is this process's own for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "what counts is that it is open")] File);

/// The process that has a state directory. Stands for that process and no later one with its number.
#[derive(Debug)]
pub(crate) struct Holder {
    pid: Pid,
    handle: OwnedFd,
}

/// The state directory cannot be had.
#[derive(Debug, Error)]
pub(crate) enum LockError {
    /// Another process has it.
    #[error("HOPS is running already: process {} has the state in `{}`", .pid.as_raw_pid(), directory.display())]
    Held {
        /// That process.
        pid: Pid,
        /// The state directory.
        directory: PathBuf,
    },
    /// The file cannot be used.
    #[error("cannot lock `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Lock {
    /// Takes a state directory.
    pub(crate) fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(FILE);
        let failed = |source| LockError::File { path: path.clone(), source };
        let file = open(&path).map_err(failed)?;
        loop {
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::AGAIN | Errno::ACCESS) => {}
                Err(error) => return Err(failed(error.into())),
            }
            // Nobody any more: it ended between the two calls.
            if let Some(pid) = holder(&file).map_err(failed)? {
                return Err(LockError::Held { pid, directory: directory.to_owned() });
            }
        }
    }
}

impl Holder {
    /// The process that has a state directory, if one has.
    pub(crate) fn find(directory: &Path) -> Result<Option<Self>, LockError> {
        let path = directory.join(FILE);
        let failed = |source| LockError::File { path: path.clone(), source };
        let file = match open_existing(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        loop {
            let Some(pid) = holder(&file).map_err(failed)? else { return Ok(None) };
            match pidfd_open(pid, PidfdFlags::empty()) {
                // The number may be another process's by now, unless it still has the lock.
                Ok(handle) if holder(&file).map_err(failed)? == Some(pid) => {
                    return Ok(Some(Self { pid, handle }));
                }
                Ok(_) | Err(Errno::SRCH) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// Asks it to stop. One that has ended already is as good.
    pub(crate) fn terminate(&self) -> io::Result<()> {
        match pidfd_send_signal(&self.handle, Signal::TERM) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for its end. Whether it came in time.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<bool> {
        is_readable(&self.handle, limit)
    }
}

/// Whether something can be read within a time; of a process, whether it ended.
pub(crate) fn is_readable(descriptor: impl std::os::fd::AsFd, limit: Duration) -> io::Result<bool> {
    let begin = std::time::Instant::now();
    loop {
        let left = limit.saturating_sub(begin.elapsed());
        let left = Timespec::try_from(left).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut wanted = [PollFd::new(&descriptor, PollFlags::IN)];
        match poll(&mut wanted, Some(&left)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn holder(file: &File) -> io::Result<Option<Pid>> {
    let conflicting = fcntl_getlk(file, &Flock::from(FlockType::WriteLock))?;
    Ok(conflicting.and_then(|lock| lock.pid))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn open_existing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_a_lock_has_no_holder() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Holder::find(directory.path()).unwrap().is_none());
        // The kernel does not count a process's own locks; `tests/cli/machine.rs` has two processes.
        let lock = Lock::take(directory.path()).unwrap();
        drop(lock);
        assert!(Holder::find(directory.path()).unwrap().is_none());
        Lock::take(directory.path()).unwrap();
    }
}
