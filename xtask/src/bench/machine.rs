//! What the figures were measured on.

use std::{fs, thread};

use anyhow::Result;

use crate::program;

/// Processor, memory, system: what a reader needs to judge a figure.
pub(super) fn description() -> Result<String> {
    let field = |file: &str, name: &str| -> Option<String> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once([':', '='])?.1.trim().trim_matches('"').to_owned())
    };
    let unknown = || "unknown".to_owned();
    let kilobytes =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let commit = program::output(&mut program::command(["git", "rev-parse", "--short=10", "HEAD"]))?;
    Ok(format!(
        "{} ({} cores, {} GiB), {}, commit {}",
        field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        thread::available_parallelism()?,
        kilobytes.unwrap_or_default() >> 20,
        field("/etc/os-release", "PRETTY_NAME").unwrap_or_else(unknown),
        commit.trim(),
    ))
}
