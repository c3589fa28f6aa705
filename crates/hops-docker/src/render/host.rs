//! What containers may take of the machine, and what the daemon does with them.

use bollard::models::{HostConfig, HostConfigLogConfig, RestartPolicy, RestartPolicyNameEnum};
use hops_model::{Cause, CauseCode, app::Resources};

use crate::{daemon::Machine, labels};

/// The weight of a container that asks for no processor time, so that builds cannot starve apps: sixteen times Docker's
/// default of 1024. Build steps have the default, all together where containers lie beside each other in one control
/// group (`/docker`), each where systemd keeps them apart. With version 2 of control groups older runc make 625 of this and newer
/// ones 942, beside a default of 100; of 4096 the older would make no more than 157.
const WEIGHT: f64 = 16_384.0;

/// What each core that it asks for adds.
const WEIGHT_OF_CORE: f64 = 32_768.0;

/// The largest that the daemon takes.
const WEIGHT_MAX: f64 = 262_144.0;

/// Below this the daemon refuses to make a container.
const LEAST_MEMORY: f64 = 6.0 * 1024.0 * 1024.0;

/// Processes and threads of one container. A runaway one would else take every process number of the machine.
const PROCESSES: i64 = 4096;

/// The daemon takes no less processor time than a hundredth of a core, in billionths.
const LEAST_NANO_CPUS: f64 = 1e7;

/// Mebibytes of one log file, and how many there are: what a container that only writes can take of the disk.
const LOG_FILE: &str = "10m";
const LOG_FILES: &str = "3";

pub(super) fn render(machine: &Machine, resources: &Resources) -> Result<HostConfig, Cause> {
    let (requests, limits) = (&resources.requests, &resources.limits);
    let memory = limits.memory.as_ref().map(hops_model::quantity::Memory::bytes);
    if let (Some(bytes), Some(text)) = (memory, &limits.memory)
        && bytes < LEAST_MEMORY
    {
        return Err(Cause::new(
            CauseCode::Refused,
            format!("a memory limit of {text} is less than Docker's least of 6Mi"),
            "raise the memory limit in the file to 6Mi or more",
        ));
    }
    // A request above the limit is refused by the daemon; one below the daemon's least is met by it.
    let reserved = requests.memory.as_ref().map(|memory| memory.bytes().max(LEAST_MEMORY));
    let reserved = reserved.map(|bytes| bytes.min(memory.unwrap_or(f64::MAX)));
    let share = requests.cpu.as_ref().map_or(0.0, |cpu| cpu.millicores() / 1000.0);
    // More processors than there are is no limit, and the daemon refuses it.
    let most = f64::from(machine.processors) * 1e9;
    let processors = limits.cpu.as_ref().filter(|_| machine.limits_processors);
    let processors = processors.map(|cpu| (cpu.millicores() * 1e6).clamp(LEAST_NANO_CPUS, most));
    Ok(HostConfig {
        memory: memory.map(whole),
        // The same as the limit means none: an app that has outgrown its memory is told so, and does not crawl on.
        memory_swap: memory.map(whole),
        memory_reservation: reserved.map(whole),
        cpu_shares: Some(whole((WEIGHT + share * WEIGHT_OF_CORE).min(WEIGHT_MAX))),
        nano_cpus: processors.map(whole),
        pids_limit: machine.limits_processes.then_some(PROCESSES),
        // Away from HOPS the daemon goes on starting what exits, with growing pauses, and all of it after a reboot.
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        // Of the drivers whose logs the daemon gives out, this is the one whose format others read, too: what a machine
        // already has for collecting logs goes on working. The daemon's own setting may be a driver that cannot be read.
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(labels::map([("max-size", LOG_FILE), ("max-file", LOG_FILES)])),
        }),
        ..HostConfig::default()
    })
}

/// Bytes, weights and billionths of cores fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "amounts are far below 2^63, and a fraction of a byte is none"
)]
fn whole(amount: f64) -> i64 {
    amount as i64
}
