//! What the daemon says of the machine it runs on.

use std::path::PathBuf;

use bollard::models::SystemInfo;

/// The machine, as far as it bears on containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Its processors.
    pub(crate) processors: u32,
    /// Its memory, in mebibytes; the largest number where the daemon does not say.
    pub(crate) memory_mib: u32,
    /// Whether processor time can be limited.
    pub(crate) limits_processors: bool,
    /// Whether the number of processes can be limited.
    pub(crate) limits_processes: bool,
    /// Where the daemon keeps images and containers.
    pub(crate) data_root: PathBuf,
    /// The daemon's version, such as `20.10.24`.
    pub(crate) version: String,
}

impl Machine {
    pub(super) fn read(info: SystemInfo) -> Self {
        Self {
            processors: info
                .ncpu
                .and_then(|count| count.try_into().ok())
                .filter(|count| *count > 0)
                .unwrap_or(1),
            memory_mib: info
                .mem_total
                .and_then(|bytes| u32::try_from(bytes / (1024 * 1024)).ok())
                .filter(|mib| *mib > 0)
                .unwrap_or(u32::MAX),
            limits_processors: info.cpu_cfs_quota.unwrap_or(true),
            limits_processes: info.pids_limit.unwrap_or(true),
            data_root: info.docker_root_dir.unwrap_or_else(|| "/var/lib/docker".to_owned()).into(),
            version: info.server_version.unwrap_or_default(),
        }
    }
}
