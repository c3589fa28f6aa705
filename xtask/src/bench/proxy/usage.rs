//! What processes have used, their children included.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result};

/// Memory, in megabytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// Resident, shared pages counted in each process.
    pub(super) resident: f64,
    /// The same, shared pages divided among those who share them.
    pub(super) proportional: f64,
}

/// User and system time of a process, its threads and its children, in seconds.
pub(super) fn processor_seconds(root: u32) -> Result<f64> {
    let ticks_a_second = u32::try_from(rustix::param::clock_ticks_per_second())?;
    let mut ticks = 0;
    for process in family(root)? {
        // One that has just ended is counted with its parent from then on.
        if let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) {
            ticks += ticks_of(&stat).context("/proc/PID/stat is not as it was")?;
        }
    }
    Ok(f64::from(ticks) / f64::from(ticks_a_second))
}

/// utime and stime, and those of children that were waited for.
fn ticks_of(stat: &str) -> Option<u32> {
    let fields = after_name(stat)?;
    fields[11..15].iter().map(|field| field.parse::<u32>().ok()).sum()
}

/// Memory of a process and its children.
pub(super) fn memory(root: u32) -> Result<Usage> {
    let mut usage = Usage::default();
    for process in family(root)? {
        let Ok(text) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else { continue };
        let megabytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0 / 1e6)
        };
        usage.resident += megabytes("Rss:").context("no Rss in smaps_rollup")?;
        usage.proportional += megabytes("Pss:").context("no Pss in smaps_rollup")?;
    }
    Ok(usage)
}

/// A process and all below it.
fn family(root: u32) -> Result<Vec<u32>> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        if let Some(parent) = after_name(&stat).and_then(|fields| fields[1].parse().ok()) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while next < family.len() {
        family.extend(children.get(&family[next]).into_iter().flatten());
        next += 1;
    }
    Ok(family)
}

/// The fields from the state on: the name before them may hold spaces and parentheses.
fn after_name(stat: &str) -> Option<Vec<&str>> {
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    (fields.len() > 15).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 100 0 0";
        assert_eq!(ticks_of(stat), Some(50 + 60 + 7 + 8));
    }

    #[test]
    fn this_process_uses_something() {
        let usage = memory(std::process::id()).unwrap();
        assert!(usage.resident >= usage.proportional && usage.proportional > 0.0);
    }
}
